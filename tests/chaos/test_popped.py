"""What left the broker and reached no process is told from the broker's own file."""

import json
from pathlib import Path
from uuid import uuid4

import redis
from chaos.popped import popped

from tests.servers import ValkeyServer


def test_message_popped_and_never_noted_is_found(server_directory: Path) -> None:
    lost, held, restored, queued = (str(uuid4()) for _ in range(4))
    server = ValkeyServer(server_directory / "popped")
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            for task_id in (lost, held, restored, queued):
                client.lpush("celery", json.dumps({"headers": {"id": task_id}}))
            taken = [client.brpop(["celery"], 1)[1] for _ in range(3)]
            for message in taken[1:]:
                client.hset("unacked", str(uuid4()), json.dumps([json.loads(message), "", "celery"]))
            client.rpush("celery", taken[2])

        assert popped(server.directory) == {lost}

        server.kill()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            client.brpop(["celery"], 1)

        assert popped(server.directory) == {lost, restored}
    finally:
        server.kill()


def test_file_that_was_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    task_id = str(uuid4())
    message = f'{{"headers": {{"id": "{task_id}"}}}}'
    whole = f"*3\r\n$5\r\nLPUSH\r\n$6\r\ncelery\r\n${len(message)}\r\n{message}\r\n*2\r\n$4\r\nRPOP\r\n$6\r\ncelery\r\n"
    (tmp_path / "appendonlydir").mkdir()
    file = tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof"

    file.write_text(whole, newline="")
    assert popped(tmp_path) == {task_id}
    file.write_text(whole[:-4], newline="")
    assert popped(tmp_path) == set()
