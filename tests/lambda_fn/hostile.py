"""One process of the function: send it thousands of bodies that mean harm; print what it keeps of them as JSON."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from lambda_fn import handler
from tests.fuzz.worker import kept

EVENT = json.loads((Path(__file__).parents[1] / "events" / "predict-http-api.json").read_text())
JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"


def json_bodies(number: int) -> Iterator[bytes]:
    """Yield bodies with names and values that no other has."""
    names = [f"name {number} {each}" for each in range(150)]
    members = ",".join(f'"{name}":{at}' for at, name in enumerate(names))
    yield f'{{"data":[[1,2]],{members}}}'.encode()
    yield f'{{"data":[{{{members}}}]}}'.encode()
    yield f'{{"data":[[1,2]],"columns":{json.dumps(names)}}}'.encode()
    yield f'{{"data":[[1,2],["{names[0]}",{number}e400]]}}'.encode()
    yield f'{{"data":[{{"{names[0]}":1,"{names[0]}":2}}]}}'.encode()
    yield f'{{"data":{"[" * 900}{number}{"]" * 900}}}'.encode()
    yield b'{"data":[' + b"[1,2]," * 3_000 + f'["{number}",1]]}}'.encode()
    yield f'{{"data":[[1,2{number}'.encode()
    yield f'{{"data":[[1,{"9" * 4000}{number}]]}}'.encode()


def csv_bodies(number: int) -> Iterator[bytes]:
    """Yield bodies with names and cells that no other has."""
    yield ",".join(f"name {number} {each}" for each in range(150)).encode() + b"\n1,2"
    yield f"1,2\n3,word {number}".encode()
    yield f'1,2\n"3,{number}'.encode()
    yield f"1,{number}\r2".encode() * 50
    yield b"1,2\n" * 3_000 + f'"word {number}",2'.encode()
    yield f"1,2\n{number}\n".encode() * 20
    yield b"1,2\n3,\xff" + str(number).encode()
    yield b"\n" * 900 + b"1," + str(number).encode()


def npy_bodies(number: int) -> Iterator[bytes]:
    """Yield bodies with headers that no other has."""
    names = [f"name_{number}_{each}" for each in range(150)]
    order = "'fortran_order': False, 'shape'"
    for header in (
        f"[{', '.join(names)}]",
        f"{{{', '.join(names)}}}",
        str(dict.fromkeys(names, 1)),
        f"{{'descr': {[(name, '<f8') for name in names]}, {order}: (1,)}}",
        f"{{'descr': '{names[0]}', {order}: (1, 2)}}",
        f"{{'descr': '<f8', {order}: ({number}, 2)}}",
        f"{{'descr': '<f8', {order}: ({'1, ' * 900}{number})}}",
        f"{{'descr': [('sepal length (cm)', '<f8'), ('', '|V{number % 999}')], {order}: (1,)}}",
        "(" * 900 + names[0],
    ):
        yield b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header.encode() + bytes(16)


def send(kind: str, number: int, body: bytes) -> None:
    """Call the function; its headers and query are such that no other call has, now and then."""
    event = EVENT | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    event["headers"] = {"content-type": f"{kind}; x{number}={number}", "accept": f"x/y{number}, */*"}
    if number % 50 == 0:
        event["queryStringParameters"] = {"probabilities": f"perhaps {number}"}
    handler.predict(event, None)


def main(kind: str, count: int) -> None:
    """Send `count` bodies, a fifth of them before it is looked at what is kept."""
    make = {JSON: json_bodies, CSV: csv_bodies, NPY: npy_bodies}[kind]
    before: dict[str, int] = {}
    sent, number = 0, 0
    while sent < count:
        for body in make(number):
            send(kind, number, body)
            sent += 1
        number += 1
        if not before and sent >= count // 5:
            before = kept()
    after = kept()
    print(json.dumps({name: after[name] - before[name] for name in after}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
