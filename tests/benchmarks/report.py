"""What the figures say: a table."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.workloads import WORKLOADS


def table(raw: dict[str, Any]) -> str:
    lines = [f"{'':32}{'peer':18}{'best':>12} {'unit':12}{'ratio':>6}{'cpu us':>9}{'others':>8}"]
    for workload in WORKLOADS:
        runs = [run for run in raw["runs"] if run["workload"] == workload.name]
        for size in sorted({run["size"] for run in runs}):
            best: dict[str, Any] = {}
            cpu: dict[str, float] = {}
            for run in runs:
                if run["size"] != size:
                    continue
                known = best.get(run["peer"])
                if known is None or (run["value"] > known["value"]) == workload.unit.more_is_better:
                    best[run["peer"]] = run
                if run["processor_microseconds"] is not None:
                    used = run["processor_microseconds"]
                    cpu[run["peer"]] = min(used, cpu.get(run["peer"], used))
            for peer, run in best.items():
                ratio = (
                    f"{run['value'] / best[workload.base]['value']:6.2f}"
                    if workload.base in best
                    else ""
                )
                used_text = f"{cpu[peer]:9.2f}" if peer in cpu else f"{'':9}"
                lines.append(
                    f"{workload.title + ', ' + str(size):32}{peer:18}{run['value']:12.1f} "
                    f"{workload.unit.value:12}{ratio:>6}{used_text}{run['others']:8.0%}"
                )
    lines += [f"{peer} is left out: {reason}" for peer, reason in raw["missing"].items()]
    return "\n".join(lines)
