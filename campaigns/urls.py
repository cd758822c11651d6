"""Addresses of campaigns, their costs, and the channels' rules; under /campaigns/."""

from django.urls import URLPattern, path

from campaigns import channel_views, cost_views, views

urlpatterns: list[URLPattern] = [
    path("", views.campaigns, name="campaigns"),
    path("new/", views.create, name="campaign_new"),
    path("confirm/", views.confirm, name="campaign_confirm"),
    path("merge/", views.merge, name="campaign_merge"),
    path("<int:id>/", views.campaign, name="campaign"),
    path("<int:id>/names/", views.names, name="campaign_names"),
    path("channels/", channel_views.table, name="campaign_channels"),
    path("channels/new/", channel_views.channel, name="campaign_channel_new"),
    path("channels/<int:id>/", channel_views.channel, name="campaign_channel"),
    path("channels/lines/new/", channel_views.line, name="campaign_line_new"),
    path("channels/lines/restore/", channel_views.restore, name="campaign_lines_restore"),
    path("channels/lines/<int:id>/", channel_views.line, name="campaign_line"),
    path("channels/lines/<int:id>/remove/", channel_views.remove_line, name="campaign_line_remove"),
    path("costs/", cost_views.overview, name="campaign_costs"),
    path("costs/file/", cost_views.file, name="campaign_cost_file"),
    path("costs/remove/", cost_views.remove, name="campaign_cost_remove"),
    path("left-out/", cost_views.left_out, name="campaign_left_out"),
]
