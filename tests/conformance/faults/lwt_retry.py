"""Faults put into attempts on purpose."""

from __future__ import annotations

from typing import Final

from tests.conformance.faults.fault import fault

RETRY_FAULTS: Final = (
    fault(
        "Lwt_retry",
        "a fatal error does not end the stream",
        'is_over = kind == "Fatal"',
        "is_over = False",
    ),
    fault(
        "Lwt_retry",
        "the function is called again after it has succeeded",
        "                is_over = True\n                return lwt.Some(result)\n",
        "                return lwt.Some(result)\n",
    ),
    fault(
        "Lwt_retry",
        "what the function raises does not count as an attempt",
        "        return lwt.map(numbered, to_promise(",
        "        try:\n"
        "            result = f()\n"
        "        except Exception:\n"
        "            number -= 1\n"
        "            raise\n"
        "        return lwt.map(numbered, result)\n"
        "        return lwt.map(numbered, to_promise(",
    ),
    fault(
        "Lwt_retry",
        "n_times makes no attempt more than n",
        "lwt_stream.nget(n + 1, attempts)",
        "lwt_stream.nget(n, attempts)",
    ),
    fault(
        "Lwt_retry",
        "n_times gives the first attempt",
        "        return tried[-1]\n",
        "        return tried[0]\n",
    ),
    fault(
        "Lwt_retry",
        "a fatal error comes without its pause",
        "        if isinstance(tried, lwt.Ok):\n",
        '        if isinstance(tried, lwt.Ok) or tried.error[0][0] == "Fatal":\n',
    ),
    fault(
        "Lwt_retry",
        "the default pause does not grow with the number",
        "return n * 2.0 * (",
        "return 2.0 * (",
    ),
    fault(
        "Lwt_retry",
        "an error is printed by the other printer",
        '    if error[0] == "Retry":\n        retry(out, error[1])\n',
        '    if error[0] == "Fatal":\n        retry(out, error[1])\n',
    ),
)
