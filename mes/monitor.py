"""What somebody asks who runs the software: /healthz, /readyz, /statusz and /metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from mes import health
from mes.access import MONITOR, PUBLIC, PlantRequest, access, actor_for, may, sites_of
from mes.models import Person, Tally
from mes.tally import labelled

# name: (type, what it says). Names ending in _bucket, _sum, _count belong to a histogram.
COUNTED = {
    "mes_events_total": ("counter", "Commands by what was asked and how it was answered."),
    "mes_replays_total": ("counter", "Commands that were sent again and got their first answer."),
    "mes_deadlocks_total": ("counter", "Transactions that were tried again after a deadlock."),
    "mes_kick_failures_total": ("counter", "Doorbells that could not be rung."),
    "mes_recompute_seconds": ("histogram", "From the start of a recompute to its stored plan."),
}
SITE_GAUGES = {
    "mes_impact_behind": ("behind", "Events that the plan does not answer yet."),
    "mes_impact_age_seconds": ("age_s", "How long the oldest of them has waited."),
    "mes_impact_failures": ("failures", "Attempts in a row to compute the plan that failed."),
    "mes_plan_version": ("plan_version", "Version of the plan."),
    "mes_events_seq": ("seq", "Number of the newest event."),
    "mes_chain_verified_seq": ("verified_seq", "Event up to which the record was verified."),
    "mes_reconcile_mismatch": ("problems", "Contradictions that the last verification found."),
}


@access(PUBLIC)
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


@access(PUBLIC)
@require_GET
def readyz(request: HttpRequest) -> JsonResponse:
    """The record can be reached, is of this code, and keeps what it is given."""
    troubles = health.troubles()
    if troubles:
        return JsonResponse({"ready": False, "why": troubles}, status=503)
    return JsonResponse({"ready": True})


@access("status.read")
@require_GET
def statusz(request: PlantRequest) -> JsonResponse:
    """How far behind the plans are of the sites that this person may ask about, and who lives."""
    person = Person.objects.get(pk=request.actor.person_id or 0)
    readable = [
        site.pk for site in sites_of(person.pk) if may(actor_for(person, site), "status.read")
    ]
    return JsonResponse(
        {
            "sites": health.sites(readable),
            "processes": health.processes(),
            "redis": {"answers": health.redis_answers()},
        }
    )


@access(MONITOR)
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything that is counted, in the text format of Prometheus."""
    lines = [*_site_lines(), *_process_lines(), *_counted_lines()]
    return HttpResponse(
        "\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8"
    )


def _family(name: str, kind: str, says: str, samples: Iterable[str]) -> Iterator[str]:
    yield f"# HELP {name} {says}"
    yield f"# TYPE {name} {kind}"
    yield from samples


def _sample(name: str, value: Any, **labels: str) -> str:
    return f"{name}{{{labelled(**labels)}}} {value}" if labels else f"{name} {value}"


def _site_lines() -> Iterator[str]:
    sites = health.sites()
    for name, (field, says) in SITE_GAUGES.items():
        samples = [_sample(name, site[field], site=site["site"]) for site in sites]
        yield from _family(name, "gauge", says, samples)


def _process_lines() -> Iterator[str]:
    found = health.processes()
    alive = [_sample("mes_processes", row["alive"], process=name) for name, row in found.items()]
    yield from _family("mes_processes", "gauge", "Processes that beat lately.", alive)
    ages = [
        _sample("mes_heartbeat_age_seconds", row["age_s"], process=name)
        for name, row in found.items()
        if row["age_s"] is not None
    ]
    yield from _family("mes_heartbeat_age_seconds", "gauge", "Age of the newest beat.", ages)
    clients = found["stream"]["figures"].get("clients", 0)
    yield from _family(
        "mes_sse_clients", "gauge", "Open live streams.", [_sample("mes_sse_clients", clients)]
    )
    up = _sample("mes_redis_up", int(health.redis_answers()))
    yield from _family("mes_redis_up", "gauge", "Whether Redis answers.", [up])


def _counted_lines() -> Iterator[str]:
    rows = list(Tally.objects.order_by("name", "labels"))
    for name, (kind, says) in COUNTED.items():
        parts = [f"{name}_bucket", f"{name}_sum", f"{name}_count"]
        wanted = parts if kind == "histogram" else [name]
        samples = [
            f"{row.name}{{{row.labels}}} {_number(row)}"
            if row.labels
            else f"{row.name} {_number(row)}"
            for part in wanted
            for row in rows
            if row.name == part
        ]
        yield from _family(name, kind, says, samples)


def _number(row: Tally) -> str:
    return format(row.value.normalize(), "f")
