"""The document's examples, run as they stand against the real server."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

from mes.access import token_sha256
from mes.clock import wall_now
from mes.models import Device, Person, PersonToken, Role, Site
from planning.api.events import KINDS
from tests import servers

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
SHELL = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)


def test_the_document_has_an_example_of_each_kind_of_event() -> None:
    shown = set(re.findall(r'\\?"kind\\?": \\?"(\w+)\\?"', DOCUMENT.read_text()))
    assert shown - {"explosion"} == set(KINDS), "show in docs/api.md how it is posted"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_every_example_of_the_document_runs(
    transactional_db: None, running_plant: servers.Plant, tmp_path: Path
) -> None:
    with override_settings(DATA_DIR=tmp_path):
        call_command("build_demo", verbosity=0)
    site = Site.objects.get(code="NF")
    device, person = "an-example-device", "an-example-person"
    Device.objects.create(site=site, code="X", role=Role.ADMIN, token_sha256=token_sha256(device))
    PersonToken.objects.create(
        site=site,
        person=Person.objects.get(user__username="okafor"),
        name="examples",
        token_sha256=token_sha256(person),
        decides=True,
        made_at=wall_now(),
    )
    parts = SHELL.findall(DOCUMENT.read_text())
    assert len(parts) > 12
    # The last one is refused on purpose, so curl fails in its pipe.
    *examples, refusal = parts
    script = "set -euo pipefail\n" + "\n".join(examples) + "\nset +o pipefail\n" + refusal
    ran = subprocess.run(
        ["bash", "-x", "-c", script],
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "BASE": running_plant.url.rstrip("/"),
            "TOKEN": device,
            "PERSON": person,
        },
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr[-3000:] + ran.stdout[-3000:]
