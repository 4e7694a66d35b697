"""The operators' pages: overview, dead letters, failure types, retry policy, duplicates.

``views`` holds them under their documented names and is what a project's URLs include. A page is made in three steps:
``forms`` reads the address, ``figures``, ``policies`` and ``duplicates`` read the database through
``redrive.stores.sql`` into frozen values, and a template in ``redrive/`` shows them. ``actions`` are the POST forms;
``access`` guards everything; ``charts`` turns figures into what the script draws and the table that stands beside it.
"""
