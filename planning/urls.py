"""The routes of every page that shows where the plan leads, each app's under its own name."""

from __future__ import annotations

from django.urls import include, path

from planning.views import floor, lists

workorders = [
    path("work-orders/", lists.work_orders, name="list"),
    path("work-orders/<str:code>/", lists.work_order, name="detail"),
    path("floor/", floor.stations, name="stations"),
    path("floor/<str:unit_code>/", floor.station, name="station"),
    path("floor/<str:unit_code>/down/", floor.station_down, name="station_down"),
    path("floor/<str:unit_code>/repair/", floor.station_repair, name="station_repair"),
    path("floor/<str:unit_code>/jobs/<int:pk>/", floor.job, name="job"),
    path("floor/<str:unit_code>/jobs/<int:pk>/<str:name>/", floor.job_act, name="job_act"),
]
materials = [path("deliveries/", lists.deliveries, name="deliveries")]
equipment = [path("equipment/", lists.equipment_list, name="list")]
quality = [
    path("holds/", lists.holds, name="holds"),
    path("holds/<int:pk>/release/", lists.release, name="release"),
]
urlpatterns = [
    path("", include((workorders, "workorders"))),
    path("", include((materials, "materials"))),
    path("", include((equipment, "equipment"))),
    path("", include((quality, "quality"))),
]
