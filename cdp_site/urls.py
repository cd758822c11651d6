"""Every address of the product. (The tracking API's are in connectors.api_urls, found before these by its middleware.)"""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from cdp_site import person, views

urlpatterns = [
    path("", views.home, name="home"),
    path("home/live/", views.home_live, name="home_live"),
    path("search/", views.palette, name="palette"),
    path("sign-in/", auth.LoginView.as_view(redirect_authenticated_user=True), name="sign_in"),
    path("sign-out/", auth.LogoutView.as_view(), name="sign_out"),
    path("", include("cdp_site.health_urls")),
    path("people/<int:id>/", person.person, name="person"),
    path("people/<int:id>/news/", person.person_news, name="person_news"),
    path("people/", include("profiles.urls")),
    path("segments/", include("segments.urls")),
    path("campaigns/experiments/", include("campaigns.experiments.urls")),
    path("campaigns/", include("campaigns.urls")),
    path("attribution/", include("campaigns.attribution.urls")),
    path("connectors/", include("connectors.urls")),
    path("admin/", admin.site.urls),
]

if settings.DEMO:
    from cdp_site.demo.channel import channel

    urlpatterns.append(path("demo/channel/", channel, name="demo_channel"))
