"""What `make demo` is made of: servers, workers and services in processes of their own, faults and repairs in between.

| module | what it does |
|---|---|
| `main` | the order of things, from the empty machine to the last line |
| `guard` | a process that ends everything when the demo ends, however the demo ends |
| `processes` | starts the others, watches them, starts them again |
| `servers` | PostgreSQL and Valkey out of their wheels |
| `memory_guard` | plays the kernel's out-of-memory killer for one worker |
| `timetable` | which fault or repair comes when |
| `workload` | the company's daily business |
| `repairs` | the operator: finds the cause of dead letters, removes it, and redrives them |
| `board`, `terminal` | what the terminal shows, and how |
"""
