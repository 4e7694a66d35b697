"""The outside world of the demo: a payment gateway, a sensor hub and a mail server in one process.

    python -m services --gateway 8801 --hub 8802 --mail 8803 --control 8804

They are real servers on this machine's loopback address that misbehave when told to, over the control port:

    curl -X PUT http://127.0.0.1:8804/payments -d '{"fault": "unavailable"}'
    curl http://127.0.0.1:8804/            # every service's fault and what it has counted

| service | faults besides `none` |
|---|---|
| `payments`, `sensors` | `unavailable` (503), `rate_limited` (429 with Retry-After), `error` (500), `hang`, `reset` |
| `mail` | `unavailable` (421); greylisting and the refusal of unknown recipients are its normal manners |
"""
