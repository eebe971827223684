"""What has to be so at the end of a fire."""

from __future__ import annotations

from typing import Any

CONVERGED_S = 10.0
SETTLE_S = 90.0  # after the last fault, for everything to be answered at all
LONGEST_S = 6.0
NOUGHT = (
    "acknowledged_not_stored",
    "doubled",
    "acknowledged_without_effect",
    "answers_that_differ",
    "without_impact",
    "balances_off",
    "gaps",
    "contradictions",
    "differs_from_cold",
    "unanswered",
    "errors_without_retry_after",
    "screen_went_back",
    "screen_behind",
)


def kept(report: dict[str, Any]) -> bool:
    return (
        not any(report[name] for name in NOUGHT)
        and report["converged_s"] is not None
        and report["converged_s"] <= CONVERGED_S
        and report["longest_answer_s"] <= LONGEST_S
    )
