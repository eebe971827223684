"""The routes of every page that shows where the plan leads, each app's under its own name."""

from __future__ import annotations

from django.urls import include, path

from planning.views import (
    answers,
    calls,
    comments,
    customers,
    decisions,
    disruption,
    events,
    floor,
    lines,
    lists,
    morning,
    notices,
    standing,
    tasks,
    tower,
)

planning = [
    path("tower/", tower.tower, name="tower"),
    path("decisions/", decisions.decisions, name="decisions"),
    path("decisions/<int:pk>/", decisions.decision, name="decision"),
    path("decisions/<int:pk>/undo/", disruption.undo, name="undo"),
    path("tasks/", tasks.tasks, name="tasks"),
    path("tasks/<int:pk>/done/", tasks.finish, name="finish_task"),
    path("tasks/<int:pk>/settle/", tasks.settle_fact, name="settle"),
    path("consents/<int:pk>/agree/", answers.agree, name="agree"),
    path("consents/<int:pk>/refuse/", answers.refuse, name="refuse"),
    path("approvals/<int:pk>/approve/", answers.approve, name="approve"),
    path("approvals/<int:pk>/refuse/", answers.decline, name="decline"),
    path("rules/", standing.rules, name="rules"),
    path("rules/new/", standing.rule, name="new_rule"),
    path("rules/<int:pk>/", standing.rule, name="rule"),
    path("rules/<int:pk>/switch/", standing.switch, name="switch_rule"),
    path("lines/", lines.lines, name="lines"),
    path("lines/<str:code>/", lines.line, name="line"),
    path("lines/<str:code>/move/", lines.move, name="move_job"),
    path("morning/", morning.morning, name="morning"),
    path("calls/", calls.calls, name="calls"),
    path("calls/<int:pk>/take/", calls.take, name="take_call"),
    path("calls/<int:pk>/arrived/", calls.arrived, name="call_arrived"),
    path("calls/<int:pk>/end/", calls.end, name="end_call"),
    path("comments/<int:pk>/withdraw/", comments.withdraw, name="withdraw_comment"),
    path("comments/<str:subject_type>/<int:subject_id>/", comments.comments, name="comments"),
    path("notices/", notices.notices, name="notices"),
    path("notices/bell/", notices.bell, name="bell"),
    path("notices/read/", notices.read, name="read_notices"),
    path("notices/settings/", notices.settings, name="notice_settings"),
    path("demo/", tower.demo_control, name="demo_control"),
    path("disruptions/<int:pk>/", disruption.disruption, name="disruption"),
    path("disruptions/<int:pk>/assign/", disruption.assign, name="assign"),
    path("disruptions/<int:pk>/snooze/", disruption.snooze, name="snooze"),
    path("disruptions/<int:pk>/take-back/", disruption.take_back, name="take_back"),
    path("disruptions/<int:pk>/close/", disruption.close, name="close"),
    path("disruptions/<int:pk>/estimate/", disruption.estimate, name="estimate"),
    path("disruptions/<int:pk>/assume/", disruption.assume, name="assume"),
    path(
        "disruptions/<int:pk>/options/<int:option_pk>/",
        disruption.option_preview,
        name="option_preview",
    ),
    path(
        "disruptions/<int:pk>/options/<int:option_pk>/accept/",
        disruption.accept,
        name="accept",
    ),
    path(
        "disruptions/<int:pk>/options/<int:option_pk>/ask/",
        answers.ask_approval,
        name="ask_approval",
    ),
    path("disruptions/<int:pk>/told/", customers.tell_customers, name="tell_customers"),
    path("events/new/", events.new_event, name="new_event"),
    path("events/new/effect/", events.new_event_preview, name="new_event_preview"),
]
workorders = [
    path("work-orders/", lists.work_orders, name="list"),
    path("work-orders/<str:code>/", lists.work_order, name="detail"),
    path("floor/", floor.stations, name="stations"),
    path("floor/<str:unit_code>/", floor.station, name="station"),
    path("floor/<str:unit_code>/down/", floor.station_down, name="station_down"),
    path("floor/<str:unit_code>/repair/", floor.station_repair, name="station_repair"),
    path("floor/<str:unit_code>/call/", floor.station_call, name="station_call"),
    path(
        "floor/<str:unit_code>/calls/<int:pk>/cancel/",
        floor.station_cancel_call,
        name="station_cancel_call",
    ),
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
    path("", include((planning, "planning"))),
    path("", include((workorders, "workorders"))),
    path("", include((materials, "materials"))),
    path("", include((equipment, "equipment"))),
    path("", include((quality, "quality"))),
]
