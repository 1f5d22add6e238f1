"""What a stream has told so far, as an answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.wire.translating import answers, told
from turnout.types.chat import Answer, Finish, Refusal, Text, TokenLogprob
from turnout.types.stream import Finished, RefusalDelta, Started, TextDelta
from turnout.wire.gathered import Gathered


@given(data=st.data(), interleaved=st.booleans())
def test_a_whole_stream_gathers_to_the_answer_it_was_made_from(data: st.DataObject, interleaved: bool) -> None:
    answer: Answer = data.draw(answers(signed=True))
    gathered = Gathered()
    for delta in data.draw(told(answer, interleaved=interleaved)):
        gathered.add(delta)
    assert gathered.whole
    assert gathered.answer() == answer


@given(data=st.data())
def test_at_every_moment_it_is_a_beginning_of_the_answer(data: st.DataObject) -> None:
    answer: Answer = data.draw(answers(signed=True))
    gathered = Gathered()
    for delta in data.draw(told(answer)):
        assert answer.text.startswith(gathered.answer().text)
        assert len(gathered.answer().parts) <= len(answer.parts)
        gathered.add(delta)


def test_its_tokens_are_counted_and_their_log_probabilities_kept() -> None:
    tokens = (TokenLogprob("Hel", -0.1), TokenLogprob("lo", -0.2, ((" lo", -0.2), ("p", -2.0))))
    gathered = Gathered()
    gathered.add(Started("a", "m"))
    for token in tokens:
        gathered.add(TextDelta(token.token, (token,)))
    assert gathered.tokens == 2
    assert gathered.answer().logprobs == tokens
    assert gathered.answer().parts == (Text("Hello"),)
    assert gathered.answer().finish is Finish.OTHER
    assert not gathered.whole


def test_a_refusal_is_one() -> None:
    gathered = Gathered()
    for delta in (Started("a", "m"), RefusalDelta("I can"), RefusalDelta("not."), Finished(Finish.REFUSAL)):
        gathered.add(delta)
    assert gathered.answer().parts == (Refusal("I cannot."),)
    assert gathered.answer().finish is Finish.REFUSAL
