"""The plugin for pytest, tried by running pytest on files of tests."""

import re
from textwrap import dedent

import pytest

import lwt
import lwt_unix.testing.plugin
from lwt_unix import lwt_main
from tests.support.programs import ROOT
from tests.support.run_page import blocks

pytest_plugins = ["pytester"]

HEAD = """
import pytest, lwt, lwt_unix
from lwt_unix import lwt_main
from hypothesis import given, settings, strategies as st

left = []

def teardown_module():
    # What the tests leave must not be left by the test that runs them.
    for descriptor in left:
        lwt_main.run(lwt_unix.close(descriptor))
"""


class Run:
    """Runs pytest on a file of tests."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester

    def __call__(self, tests: str, *options: str, **outcomes: int) -> str:
        """Run the tests, and check how many passed, failed and so on; return what is printed."""
        plugin = lwt_unix.testing.plugin.__name__
        self._pytester.makepyfile(HEAD + dedent(tests))
        result = self._pytester.runpytest_inprocess(
            "-p", plugin, "-p", "no:cacheprovider", "-p", "no:randomly", *options
        )
        result.assert_outcomes(**outcomes)
        return result.stdout.str()


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    return Run(pytester)


# --- async def tests and fixtures --------------------------------------------


def test_async_tests_run_in_the_main_loop_with_fixtures_marks_parameters_and_classes(
    run: Run,
) -> None:
    run(
        """
        @pytest.fixture
        def three(): return 3

        async def test_alone():
            await lwt_unix.sleep(0.001)

        @pytest.mark.parametrize("number", [1, 2])
        async def test_with_fixture(three, number):
            await lwt.pause()
            assert three + number in (4, 5)

        @pytest.mark.skip
        async def test_skipped(): raise AssertionError

        @pytest.mark.xfail(strict=True, raises=ZeroDivisionError)
        async def test_failing():
            await lwt.pause()
            1 / 0

        class TestClass:
            async def test_method(self, three):
                await lwt.pause()
                assert isinstance(self, TestClass)

            @staticmethod
            async def test_static(three):
                assert await lwt.return_(three) == 3

        async def test_that_returns_a_promise():
            return lwt.pause()

        async def test_default(three, other=5):
            assert (three, other) == (3, 5)

        def test_sync(three):
            assert lwt_main.run(lwt.return_(three)) == 3
        """,
        passed=8,
        skipped=1,
        xfailed=1,
    )


def test_methods_of_unittest_run_in_the_main_loop_and_must_leave_nothing(run: Run) -> None:
    printed = run(
        """
        import unittest
        from lwt_unix import testing

        class Case(unittest.TestCase):
            def setUp(self):
                self.number = 3

            async def test_passing(self):
                await lwt.pause()
                assert self.number == 3

            async def test_failing(self):
                await lwt.pause()
                assert self.number == 4

            async def test_leaving(self):
                lwt_unix.sleep(60.0)

            @given(st.integers())
            async def test_examples(self, number):
                await lwt.pause()
                assert number < 10

            @testing.simulated
            async def test_in_worlds(self):
                await lwt_unix.sleep(3600.0)

        class OfAsyncio(unittest.IsolatedAsyncioTestCase):
            async def test_asyncio(self):
                import asyncio
                await asyncio.sleep(0.001)
        """,
        passed=3,
        failed=3,
    )
    assert ">       assert self.number == 4" in printed
    assert "a timer of 60 s is not stopped" in printed
    assert "number=10" in printed


def test_a_test_made_a_function_of_promises_runs_in_the_main_loop_too(run: Run) -> None:
    printed = run(
        """
        @lwt.promised
        async def test_passing(tmp_path):
            await lwt_unix.sleep(0.0)

        @lwt.promised
        async def test_failing():
            await lwt_unix.sleep(0.0)
            raise ValueError("of this test")

        @lwt.promised
        async def test_leaving():
            lwt_unix.sleep(60.0)
        """,
        passed=1,
        failed=2,
    )
    assert "ValueError: of this test" in printed
    assert "a timer of 60 s is not stopped" in printed


def test_a_test_that_yields_or_returns_something_is_no_test(run: Run) -> None:
    printed = run(
        """
        async def test_yielding():
            yield

        async def test_returning():
            return 3
        """,
        "-W",
        "default",
        passed=1,
        failed=1,
    )
    assert "test_yielding has a `yield`, so it is no test but an async generator" in printed
    assert "::test_returning returned 3" in printed


def test_a_failure_shows_lines_of_the_program_only_unless_asked_for_the_full_trace(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")  # So that the summary has room for messages.
    tests = """
        from lwt_unix import testing

        async def deep():
            await lwt_unix.sleep(0.001)
            await lwt_unix.with_timeout(0.001, lambda: lwt.wait()[0])

        async def test_failing():
            await deep()

        @testing.simulated
        async def test_in_a_world():
            await deep()

        @testing.simulated
        async def test_leaving():
            lwt_unix.sleep(3.0)

        def nothing_holds():
            return False

        async def test_without_lines():
            testing.always(nothing_holds)
            await lwt.pause()
        """
    printed = run(tests, failed=4)
    assert "lwt_main.py" not in printed
    assert printed.count("await deep()") == 2
    assert printed.count(">       await lwt_unix.with_timeout") == 2
    assert "promise.py" not in printed
    assert "a timer of 3 s is not stopped" in printed
    assert "::test_leaving - lwt_unix.testing.Something_left: left" in printed
    assert "::test_without_lines - AssertionError: testing.always: nothi" in printed
    assert "lwt_main.py" in run(tests, "--full-trace", failed=4)


def test_a_mark_with_a_wrong_argument_names_the_mark(run: Run) -> None:
    printed = run("@pytest.mark.lwt(may_lose=['hook'])\nasync def test(): pass", errors=1)
    assert "TypeError: pytest.mark.lwt() got an unexpected keyword argument 'may_lose'" in printed


def test_a_failure_shows_the_line_of_the_test(run: Run) -> None:
    printed = run(
        """
        async def test_failing():
            await lwt.pause()
            assert 1 == 2
        """,
        failed=1,
    )
    assert ">       assert 1 == 2" in printed


def test_async_fixtures_of_every_scope_are_set_up_and_ended_in_order(run: Run) -> None:
    printed = run(
        """
        def step(name):
            print("STEP", name)

        def make(scope):
            @pytest.fixture(scope=scope, name=scope)
            async def fixture():
                await lwt.pause()
                step(f"{scope} begins")
                yield scope
                await lwt.pause()
                step(f"{scope} ends")
            return fixture

        session, module, class_, own = map(make, ["session", "module", "class", "function"])

        @pytest.fixture
        async def returned(function, module):
            return await lwt.return_(f"{function} in {module}")

        class TestClass:
            @pytest.fixture
            async def of_object(self):
                self.attribute = 1
                yield self
                assert self.attribute == 2

            @pytest.fixture(autouse=True, params=["a", "b"])
            async def parameter(self, request):
                return await lwt.return_(request.param)

            async def test_one(self, session, module, of_object, parameter, function=None):
                assert of_object is self and parameter in "ab"
                self.attribute = 2

            def test_two(self, request):
                assert request.getfixturevalue("class") == "class"

        def test_sync(returned, session):
            assert returned == "function in module"
        """,
        "-s",
        passed=5,
    )
    assert [line.split("STEP ")[1] for line in printed.splitlines() if "STEP" in line] == [
        "session begins",
        "module begins",
        "class begins",
        "class ends",
        "function begins",
        "function ends",
        "module ends",
        "session ends",
    ]


def test_a_fixture_that_yields_never_or_twice_is_an_error(run: Run) -> None:
    printed = run(
        """
        @pytest.fixture
        async def never():
            if False: yield

        @pytest.fixture
        async def twice():
            yield 1
            yield 2

        async def test_never(never): pass
        async def test_twice(twice): pass
        """,
        passed=1,
        errors=2,
    )
    assert "never did not yield a value" in printed
    assert "fixture function has more than one 'yield'" in printed


def test_examples_of_hypothesis_run_in_the_main_loop_and_are_shrunk(run: Run) -> None:
    printed = run(
        """
        @given(st.integers())
        async def test_passing(number):
            await lwt.pause()
            assert number == await lwt.return_(number)

        @given(st.integers())
        async def test_failing(number):
            await lwt.pause()
            assert number < 100

        class TestClass:
            @settings(max_examples=5)
            @given(number=st.integers())
            async def test_method(self, number):
                await lwt.pause()

        @given(st.integers())
        async def test_leaving(number):
            if number > 7:
                lwt_unix.sleep(number)
        """,
        passed=2,
        failed=2,
    )
    assert "number=100" in printed
    assert "a timer of 8 s is not stopped" in printed
    assert "number=8," in printed


def test_each_item_of_a_test_with_examples_has_the_options_of_its_own_mark(run: Run) -> None:
    printed = run(
        """
        from hypothesis import Phase

        may = pytest.mark.lwt(may_leave=["timers"])

        @pytest.mark.parametrize(
            "leaves", [False, pytest.param(True, marks=may), pytest.param("never", marks=may), True]
        )
        @settings(phases=[Phase.generate])
        @given(number=st.integers())
        async def test_leaving(leaves, number):
            if leaves:
                lwt_unix.sleep(3600)
            assert leaves != "never"

        async def test_body(number):
            await lwt.pause()

        test_given = given(st.integers())(test_body)
        wrapped = test_given.hypothesis.inner_test

        def test_nothing_is_left_of_it():
            assert test_given.hypothesis.inner_test is wrapped
        """,
        "--deselect=test_each_item_of_a_test_with_examples_has_the_options_of_its_own_mark.py::test_body",
        passed=4,
        failed=2,
        deselected=1,
    )
    for line in [
        "E       AssertionError: assert 'never'",
        "E   - a timer of 3600 s is not stopped",
    ]:
        assert printed.count(line) == 1, line


def test_tests_that_other_plugins_take_are_theirs(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import asyncio, inspect, pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_pyfunc_call(pyfuncitem):
            if pyfuncitem.get_closest_marker("other"):
                asyncio.run(pyfuncitem.obj())
                return True
        """
    )
    run(
        """
        import asyncio, os

        @pytest.mark.other
        async def test_of_others():
            await asyncio.sleep(0)
            left.append(lwt_unix.of_unix_file_descr(os.dup(1)))

        async def test_of_ours():
            await lwt.pause()
        """,
        "-W",
        "ignore::pytest.PytestUnknownMarkWarning",
        passed=2,
    )


def test_the_main_loop_can_be_used_after_an_exception_that_leaves_it_for_good(run: Run) -> None:
    run(
        """
        async def test_too_deep():
            def recur(_): recur(_)
            await lwt.bind(lwt.pause(), recur)

        async def test_next():
            await lwt.pause()
        """,
        failed=1,
        passed=1,
    )


# --- What is left ------------------------------------------------------------


def test_a_test_fails_if_it_leaves_something(run: Run) -> None:
    printed = run(
        """
        def start():
            return lwt_unix.sleep(3600)

        async def test_timer(): start()
        async def test_rejection(): lwt.fail(ValueError("lost"))
        async def test_hook(): lwt.async_(lambda: lwt.fail(ValueError("reported")))
        async def test_descriptor(): left.extend(lwt_unix.pipe())
        async def test_tidy(): await lwt.pause()
        """,
        failed=4,
        passed=1,
    )
    for lines in [
        ["- a timer of 3600 s is not stopped", "in start", "in test_timer"],
        ["- nobody has seen this rejection: ValueError('lost')", "in test_rejection"],
        ["- an exception has reached lwt.async_exception_hook: ValueError('reported')"],
        ["- descriptor ", "in test_descriptor"],
    ]:
        position = 0
        for line in lines:
            position = printed.index(line, position)
    assert "plugin.py" not in printed


def test_what_fixtures_of_the_test_s_scope_have_is_theirs_until_they_end(run: Run) -> None:
    printed = run(
        """
        def close(descriptors):
            for descriptor in descriptors:
                lwt_main.run(lwt_unix.close(descriptor))

        @pytest.fixture
        def pair():
            pair = lwt_unix.pipe()
            yield pair
            close(pair)

        @pytest.fixture
        def opened():
            opened = []
            yield opened
            close(opened)

        @pytest.fixture
        async def careless():
            lwt_unix.sleep(3600)

        async def test_pair(pair): pass
        async def test_opened(opened): opened.extend(lwt_unix.pipe())
        async def test_careless(careless): pass
        """,
        passed=3,
        errors=1,
    )
    assert "ERROR at teardown of test_careless" in printed
    assert "in careless" in printed


def test_what_fixtures_of_a_wider_scope_make_may_stay(run: Run) -> None:
    run(
        """
        @pytest.fixture(scope="module")
        async def pair():
            pair = lwt_unix.pipe()
            yield pair
            for descriptor in pair:
                await lwt_unix.close(descriptor)

        async def test_one(pair): pass
        async def test_two(pair): pass
        async def test_leaving(pair): lwt_unix.sleep(3600)
        """,
        passed=2,
        failed=1,
    )


def test_the_mark_says_what_may_be_left_and_has_other_tests_checked(run: Run) -> None:
    printed = run(
        """
        @pytest.mark.lwt(may_leave=["timers", "hook"])
        async def test_may():
            lwt_unix.sleep(3600)
            lwt.async_(lambda: lwt.fail(ValueError()))

        @pytest.mark.lwt(may_leave=["timers"])
        @given(st.integers())
        async def test_examples_may(number): lwt_unix.sleep(3600)

        @pytest.mark.lwt
        def test_sync(): lwt_unix.sleep(3600)

        def test_sync_without_mark(): lwt_unix.sleep(3600)

        @pytest.mark.lwt(nothing_pending=True)
        async def test_pending():
            async def waits(): await lwt.wait()[0]
            kept.append(lwt.of_coroutine(waits()))

        kept = []

        @pytest.mark.lwt(may_leave=["timer"])
        async def test_wrong(): pass
        """,
        passed=3,
        failed=2,
        errors=1,
    )
    assert "- body (waits) waits for a promise" in printed
    assert "pytest.mark.lwt: may_leave has 'timer'; the words are rejections, hook" in printed


def test_what_was_reported_is_shown_with_a_test_that_fails_for_another_reason(run: Run) -> None:
    printed = run(
        """
        async def test_failing():
            lwt.async_(lambda: lwt.fail(ValueError("the reason")))
            lwt_unix.sleep(3600)
            assert 1 == 2
        """,
        failed=1,
    )
    assert "an exception has reached lwt.async_exception_hook: ValueError('the reason')" in printed
    assert "a timer" not in printed


def test_the_guide_s_tests_do_what_it_says(pytester: pytest.Pytester) -> None:
    page = (ROOT / "docs" / "how-to" / "test-with-pytest.md").read_text()
    conftest, server, user, marked, shown, replay, shop = (block for _, block in blocks(page, "py"))
    replayed = shown.replace("@testing.simulated\n", replay + "@testing.simulated\n")
    shop += "TestShop.settings = __import__('hypothesis').settings(max_examples=5)\n"  # It has many steps.
    pytester.makeconftest(conftest)
    pytester.makepyfile(test_server=server, test_user=user, test_marked=marked)
    pytester.makepyfile(test_shown=shown, test_replayed=replayed, test_shop=shop)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rN")
    result.assert_outcomes(passed=6, failed=4)
    assert "Failing explicit example: test_the_newest_version_is_shown(" in result.stdout.str()
    for _, text in blocks(page, "text"):
        assert text in result.stdout.str()


def test_a_failure_of_unittest_shows_the_program_only_and_what_was_reported(run: Run) -> None:
    tests = """
        import unittest

        class Case(unittest.TestCase):
            @given(st.integers())
            async def test_examples(self, number):
                await lwt_unix.sleep(0.001)
                assert number < 100

            async def test_reporting(self):
                lwt.async_(lambda: lwt.fail(ValueError("the reason")))
                await lwt.pause()
                self.assertEqual(1, 2)

            async def test_skipped(self):
                await lwt.pause()
                self.skipTest("not here")
        """
    printed = run(tests, "--tb=short", failed=2, skipped=1)
    assert printed.count("in test_examples") == 2  # Where it waits, and where it fails.
    assert "self.assertEqual(1, 2)" in printed
    assert "an exception has reached lwt.async_exception_hook: ValueError('the reason')" in printed
    library = re.compile(r"/(lwt|lwt_unix|hypothesis)/.*: in ")
    assert not library.search(printed)
    full = run(tests, "--full-trace", failed=2, skipped=1)
    assert "lwt_main.py" in full
    assert "an exception has reached lwt.async_exception_hook" in full


def test_nothing_is_left_to_the_tests_that_follow(run: Run) -> None:
    def nobody(exception: Exception) -> None: ...

    lwt.async_exception_hook.contents = nobody
    run("async def test_hook(): lwt.async_exception_hook.contents = print", passed=1)
    assert lwt.async_exception_hook.contents is nobody
    assert not lwt_main._running.locked()
