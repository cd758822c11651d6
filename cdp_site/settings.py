"""Settings: everything that an operator can change is read from the environment here, and nowhere else."""

from pathlib import Path

import environ

from cdp_site import environment, secrets

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))

DEBUG = env.bool("DEBUG", default=False)
HOST = env.str("HOST", default="127.0.0.1")
PORT = environment.whole_number("PORT", 8000, 1, 65_535)
DEMO = env.bool("TRIBUTARY_DEMO", default=False)
# Without a key of yours one is made and kept in var/: good for the demo and for commands beside it. The web server and the
# workers refuse to start in production with it (`secrets.refuse_kept`).
KEY_IS_KEPT = not env.str("SECRET_KEY", default="")
SECRET_KEY = env.str("SECRET_KEY", default="") or secrets.kept(VAR_DIR, "secret_key")
# Newest first; older keys still decrypt (MultiFernet).
ENCRYPTION_KEYS = environment.fernet_keys("ENCRYPTION_KEYS") or [secrets.fernet_key_from(SECRET_KEY)]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "cdp_site.admin.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_q",
    "cdp_site.apps.SignInConfig",
    "csp",
    "lucide",
    "cdp_site",
    "profiles",
    "segments",
    "connectors",
    "campaigns",
]

MIDDLEWARE = [
    "cdp_site.middleware.ObserveRequests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "connectors.cors.TrackingCors",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "cdp_site.middleware.KeepPrivate",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "cdp_site.middleware.AskedByHtmx",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "cdp_site.urls"
WSGI_APPLICATION = "cdp_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cdp_site.roles.navigation",
            ],
        },
    },
]

DATABASES = {"default": env.db("DATABASE_URL")}
DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
DATABASES["default"]["CONN_MAX_AGE"] = 60
# One look a request (0.1 ms), so that a restarted server costs no request its answer.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# As measured: see docs/operating.md. `bulk` x longest task / workers stays below `retry`.
Q_CLUSTER = {
    "name": "tributary",
    "orm": "default",
    "workers": environment.whole_number("WORKERS", 2, 1, 64),
    "poll": 0.2,
    "timeout": 300,
    "retry": 600,
    "max_attempts": 3,
    "ack_failures": False,
    "bulk": 10,
    "save_limit": -1,
    "catch_up": False,
    "label": "Background work",
}

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
LOGIN_URL = "sign_in"
CSRF_FAILURE_VIEW = "cdp_site.views.stale_form"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("SECURE_COOKIES", default=not (DEBUG or DEMO))
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# A rule of 200 conditions is a form of some thousand controls; Django's own limit is 1,000.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        # Plotly positions its labels with style attributes; no style *element* or script may be inline.
        "style-src-attr": ["'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "connect-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "object-src": ["'none'"],
    },
}

# By our names as well, which the pages' notes have their colours from.
MESSAGE_TAGS = {10: "debug", 20: "info", 25: "success good", 30: "warning warn", 40: "error bad"}
LANGUAGE_CODE = "en"
TIME_ZONE = environment.time_zone("TIME_ZONE", "Europe/Madrid")
USE_TZ = True
USE_I18N = True
CURRENCY = env.str("CURRENCY", default="EUR")

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "cdp_site.assets.PlotlyFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = VAR_DIR / "files"

EMAIL_CONFIG = environment.email("EMAIL_URL", "consolemail://")
vars().update(EMAIL_CONFIG)
# Most servers let an account send in its own name only.
_ACCOUNT = EMAIL_CONFIG.get("EMAIL_HOST_USER") or ""
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default=_ACCOUNT if "@" in _ACCOUNT else "tributary@localhost")

# Tracking bodies are read and bounded by connectors.receive; forms stay small.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

LOGGING_CONFIG = "cdp_site.logs.configure"
LOGGING = {"level": environment.log_level("LOG_LEVEL", "INFO"), "json": env.bool("LOG_JSON", default=not DEBUG)}
