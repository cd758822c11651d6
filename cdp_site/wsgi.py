"""What gunicorn serves: `gunicorn -c python:cdp_site.web cdp_site.wsgi`."""

import os

from cdp_site import database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp_site.settings")
database.use_embedded_unless_configured()

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
