import pytest

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.request import Request, Response
from lambda_fn.http.routes import Routes, dispatch, match_path


def echo(request: Request, key: str) -> Response:
    return Response(200, key)


ROUTES = {("GET", "/"): echo, ("PUT", "/objects/{key}"): echo}


class Echoing:
    routes: Routes = ROUTES
    speak = None


SERVICE = Echoing()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", ("/", "")),
        ("/predict/", ("/predict", "")),
        ("/objects/a", ("/objects/{key}", "a")),
        ("/objects", ("/objects", "")),
        ("/objects/", ("/objects", "")),
        ("/objects/a/", ("/objects/a", "")),
        ("/objects/a/b", ("/objects/a/b", "")),
        ("/objects/..", ("/objects/{key}", "..")),
        ("/models", ("/models", "")),
        ("/models/", ("/models", "")),
        ("/models/a.b", ("/models/{name}", "a.b")),
        ("/models/predict", ("/models/{name}", "predict")),
        ("/models/a/predict/", ("/models/{name}/predict", "a")),
        ("/models/{name}/predict", ("/models/{name}/predict", "{name}")),
        ("/models/a/b/predict", ("/models/{name}/b/predict", "a")),
        ("/models//predict", ("", "")),
    ],
)
def test_paths_are_matched(path: str, expected: tuple[str, str]) -> None:
    assert match_path(path) == expected


def test_a_route_gets_the_key() -> None:
    assert dispatch(SERVICE, Request("PUT", "/objects/note")).body == "note"


def test_what_a_template_says_is_no_path_of_its_own() -> None:
    assert dispatch(SERVICE, Request("PUT", "/objects/{key}")).body == "{key}"


def test_a_wrong_method_is_answered_with_those_allowed() -> None:
    with pytest.raises(ServiceError) as raised:
        dispatch(SERVICE, Request("DELETE", "/objects/note"))
    assert (raised.value.problem, raised.value.allow) == (Problem.METHOD_NOT_ALLOWED, "GET, PUT")


def test_a_preflight_is_answered_wherever_it_lands() -> None:
    answer = dispatch(SERVICE, Request("OPTIONS", "/predict"))
    assert (answer.status, answer.body, answer.headers) == (204, "", {"allow": "POST"})


@pytest.mark.parametrize("request_", [Request("GET", "/nowhere"), Request("GET", "/objects/note")])
def test_what_this_function_does_not_answer_is_not_found(request_: Request) -> None:
    with pytest.raises(ServiceError) as raised:
        dispatch(SERVICE, request_)
    assert raised.value.problem is Problem.NOT_FOUND
