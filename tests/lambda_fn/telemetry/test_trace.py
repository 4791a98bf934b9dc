import pytest

from lambda_fn.telemetry.trace import w3c, x_ray

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize("header", [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00", f"cc-{TRACE}-{PARENT}-01-x"])
def test_ids_of_a_sound_header(header: str) -> None:
    assert w3c(header) == (TRACE, PARENT)


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0x",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}-01-x",
        f"cc-{TRACE}-{PARENT}-01x",
        f"00_{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01",
        f'00-{TRACE[:-1]}"-{PARENT}-01',
    ],
)
def test_any_other_header_has_none(header: str) -> None:
    assert w3c(header) is None


ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793"


@pytest.mark.parametrize("text", ["", "Root=", ROOT[:15], f'{ROOT[:-1]}"', ROOT.replace("1-", "2-", 1), "Self=1"])
def test_what_is_no_trace_of_x_ray_has_no_root(text: str) -> None:
    assert x_ray(text) == ""


def test_the_root_of_a_trace_of_x_ray() -> None:
    assert x_ray("Self=1-1;Root=1-5759e988-bd862e3fe1be46a994272793") == "1-5759e988-bd862e3fe1be46a994272793"
