"""Writes metrics.json for tests/metric/*_test.cpp: what the reference tools of each metric say about the cases below.

    pip install sacrebleu==2.6.0 rouge-score==0.1.2 seqeval==1.2.2 conlleval==0.2 scikit-learn ranx 'transformers<4.50'
    python3 tests/golden/make_metrics.py

Where a corpus stands, segment i has hypotheses[i] and the list references[i].
"""

import json
import pathlib
import random
import re
import unicodedata

import conlleval
import numpy
import ranx
import sacrebleu
import seqeval.metrics
import sklearn.metrics
from rouge_score import rouge_scorer
from seqeval.metrics.sequence_labeling import get_entities, precision_recall_fscore_support
from sklearn.metrics import precision_recall_fscore_support as class_scores
from transformers.data.metrics import squad_metrics

# Pieces that the rules of tokenizers, spaces, cases and words treat differently.
PIECES = [
    "lamp", "The", "the", "a", "An", "ISTANBUL", "İzmir", "Ångström", "Kelvin", "ΟΔΟΣ",
    "Σ", "Σ.", "ΑΣ'Α", "Straße", "ǅep", "Łódź", "1,000", "3.14", "3.", ".5", "1-2",
    "7-", "-7", "5,,6", "a.b", "a,b.", "...", "..1", "1..", "--", "—",
    "«hier»", "\u201cso\u201d", "don't", "\u2019s",
    "(x)", "[y]", "{z}", "a/b", "50%", "$9", "€9", "@home", "#1", "a_b", "&amp;", "&quot;", "&lt;b&gt;", "&amp;lt;",
    "&apos;", "&", "<skipped>", "<", "|", "~", "^", "`", "\\", "*", "+", "=", "!", "?!", ":", ";", "あい",
    "猫。", "林檞，", "ＡＢ", "مرحبا،", "café", "cafe\u0301", "²", "½", "٣",
    "😀", "𝐀", "Ⅰ", "Ⓐ", "ª", "x\u200by", "x\u00ady", "-\n", "\n", "กำ",
]
SPACES = [" ", " ", " ", " ", "", "", "\t", "\u00a0", "\u3000", "\u2009", "\x1c", "\x85", "\u200b", "  "]


def random_text(rng, pieces):
    return "".join(rng.choice(PIECES) + rng.choice(SPACES) for _ in range(pieces))


def near(rng, text):
    """The text with some pieces left out, doubled, or replaced."""
    result = []
    for word in text.split(" "):
        choice = rng.random()
        if choice < 0.1:
            continue
        result.append(rng.choice(PIECES) if choice < 0.2 else word)
        if choice > 0.93:
            result.append(word)
    return " ".join(result)


PLAIN_HYPOTHESES = [
    "The old lighthouse keeper counts the ships every evening.",
    "Two children are painting a wooden fence green.",
    "A brown dog jumps over the small stream.",
    "Prices rose by 1,250.5 points in 2019-2020.",
]
PLAIN_REFERENCES = [
    ["Each evening the old lighthouse keeper counts the ships.",
     "The aged keeper of the lighthouse counts ships every evening."],
    ["Two children paint a wooden fence in green.", "Two kids are painting a wooden fence green."],
    ["A brown dog is jumping across a small stream.", "The brown dog leaps over the small brook."],
    ["Prices went up by 1,250.5 points during 2019-2020.", "In 2019-2020 prices rose 1,250.5 points."],
]


def first_only(references):
    return [[r[0]] for r in references]


def corpora():
    """Name, hypotheses, references of each segment."""
    rng = random.Random(5)
    yield "one reference", PLAIN_HYPOTHESES, first_only(PLAIN_REFERENCES)
    yield "two references", PLAIN_HYPOTHESES, PLAIN_REFERENCES
    yield "uneven references", PLAIN_HYPOTHESES, [PLAIN_REFERENCES[0], *first_only(PLAIN_REFERENCES[1:])]
    yield "identical", [r[0] for r in PLAIN_REFERENCES], first_only(PLAIN_REFERENCES)
    yield "nothing in common", ["moss grows quietly"], [["engines roar at noon"]]
    yield "empty hypothesis", [""], [["The kettle is on the stove."]]
    yield "one empty hypothesis", ["", PLAIN_HYPOTHESES[1]], first_only(PLAIN_REFERENCES[:2])
    yield "empty reference", ["A kettle."], [[""]]
    yield "both empty", [""], [[""]]
    yield "spaces only", [" \t\u3000"], [["\u00a0"]]
    yield "one word", ["kettle"], [["kettle"]]
    yield "one word wrong", ["kettle"], [["stove"]]
    yield "three words", ["the red kettle"], [["the red kettle"]]
    yield "too short", ["the red kettle"], [["the red kettle stands on the old stove"]]
    yield "too long", ["the red kettle stands on the old stove today"], [["the red kettle"]]
    yield "no 4-gram in common", ["the red kettle sings loudly"], [["the red kettle hums loudly"]]
    yield "clipped counts", ["the the the the the"], [["the cat and the dog", "the the hat"]]
    yield "lengths equally near", ["one two three four five six"], \
        [["one two three four", "one two three four five six 7 8"]]
    yield "upper case", ["THE RED KETTLE IS NOT HOT."], [["The red kettle is not hot."]]
    yield "greek", ["Ο ΔΡΟΜΟΣ ΕΙΝΑΙ ΜΑΚΡΥΣ."], [["Ο δρόμος είναι μακρύς."]]
    yield "turkish", ["İzmir'de DİNİ yok"], [["i\u0307zmir'de di\u0307ni\u0307 yok"]]
    yield "german", ["Die Mütter grüßen die große Straße in „Köln\u201c."], \
        [["Die Mütter grüßten die große Straße in „Bonn\u201c."]]
    yield "chinese", ["我昨天去公园散步。"], [["昨天我去公园散步了。"]]
    yield "japanese", ["猫が 屋根で 寝ている。"], \
        [["屋根の 上で 猫が 寝ている。", "猫が 寝ている"]]
    yield "entities", ["Tom &amp; Ann say &quot;5 &lt; 6&quot; &amp;lt;b&gt;"], [["Tom & Ann say \"5 < 6\" <b>"]]
    yield "marks", ["(well) [so-called] 'tea', e.g. 1,5.5 - \"hot\"!?"], \
        [["(well), so-called 'tea' e.g. 1,5.5 \"hot\"!"]]
    yield "references equally bad", ["moss", "the red kettle"], \
        [["brick tile", "inky"], ["the red kettle"]]
    yield "short reference", ["the red kettle sings loudly", "the red kettle"], [["a"], ["the red kettle"]]
    yield "line breaks", ["a brok-\nen line\nhere"], [["a broken line here"]]
    texts = [random_text(rng, 14) for _ in range(4)]
    yield "awkward", [near(rng, t) for t in texts], [[t] for t in texts]
    texts = [random_text(rng, 10) for _ in range(3)]
    yield "awkward, two references", [near(rng, t) for t in texts], [[near(rng, t), t] for t in texts]


def streams(references):
    """sacreBLEU's shape: streams[k][i] is reference k of segment i, None where there is none."""
    return [[r[k] if k < len(r) else None for r in references] for k in range(max(map(len, references)))]


def bleu_case(hypotheses, references, options):
    metric = sacrebleu.BLEU(**options)
    score = metric.corpus_score(hypotheses, streams(references))
    return {"options": options, "score": score.score, "precisions": score.precisions,
            "text": score.format(signature=str(metric.get_signature()))}


LOWERCASE = {"lowercase": True}
EFFECTIVE = {"effective_order": True}
SMOOTHINGS = [EFFECTIVE, {"smooth_method": "none"}, {"smooth_method": "floor"}, {"smooth_method": "add-k"},
              {"smooth_method": "floor", "smooth_value": 0.01, "effective_order": True}]
BLEU_OPTIONS = {"one reference": SMOOTHINGS, "too short": SMOOTHINGS, "no 4-gram in common": SMOOTHINGS,
                "nothing in common": SMOOTHINGS, "one word": [EFFECTIVE], "three words": [EFFECTIVE],
                "empty hypothesis": [EFFECTIVE],
                "upper case": [LOWERCASE], "greek": [LOWERCASE], "turkish": [LOWERCASE],
                "awkward": [LOWERCASE, EFFECTIVE]}
CHRF_OPTIONS = {"two references": [{"char_order": 3, "word_order": 1, "beta": 3}], "upper case": [LOWERCASE],
                "greek": [{"lowercase": True, "word_order": 2}], "turkish": [LOWERCASE], "awkward": [LOWERCASE]}


def chrf_case(hypotheses, references, options):
    metric = sacrebleu.CHRF(**options)
    score = metric.corpus_score(hypotheses, streams(references))
    return {"options": options, "score": score.score, "text": score.format(signature=str(metric.get_signature()))}


def make_corpora():
    result = []
    for name, hypotheses, references in corpora():
        result.append({
            "name": name, "hypotheses": hypotheses, "references": references,
            "bleu": [bleu_case(hypotheses, references, o) for o in [{}, *BLEU_OPTIONS.get(name, [])]],
            "chrf": [chrf_case(hypotheses, references, o)
                     for o in [{}, {"word_order": 2}, *CHRF_OPTIONS.get(name, [])]]})
    return result


def make_text():
    """Python's own view of text, and 13a's tokens of it."""
    rng = random.Random(6)
    tokenize = sacrebleu.BLEU().tokenizer
    texts = PIECES + [random_text(rng, 8) for _ in range(4)]
    return [{"text": t, "lower": t.lower(), "split": t.split(), "tokens_13a": tokenize(t.rstrip())} for t in texts]


ROUGE_PAIRS = [
    (PLAIN_HYPOTHESES[0], PLAIN_REFERENCES[0][0]),
    (PLAIN_HYPOTHESES[3], PLAIN_REFERENCES[3][1]),
    ("", "The kettle sings."), ("The kettle sings.", ""), ("", ""), ("...", "!?"),
    ("kettle", "Kettle"), ("kettle", "stove"), ("the the the", "the"),
    ("It's the Kelvin scale; İzmir at 300\u00a0K, café naïve", "its kelvin scale: i zmir, 300 k, caf na ve"),
    ("猫が寝る", "猫が寝る"),
    ("snow fell on the hills\nthe road was closed\nbuses waited",
     "the road was closed\nas snow fell on all the hills\n\nno buses ran"),
    ("a b c d e f g\nb d f h", "g f e d c b a\na c e g\nb d f"),
    ("one two three four five", "one six two seven three"),
    # Another longest common subsequence than rouge-score's would give another union.
    ("b d c c d\na d b", "b d a d c\nb d d c d"),
]


def triple(score):
    return [float(score.precision), float(score.recall), float(score.fmeasure)]


def make_rouge():
    scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"])
    rng = random.Random(7)
    pairs = list(ROUGE_PAIRS)
    for _ in range(8):
        text = "\n".join(" ".join(rng.choice("abcdef") for _ in range(rng.randint(0, 9))) for _ in range(3))
        pairs.append((near(rng, text), text))
    cases = []
    for hypothesis, reference in pairs:
        scores = scorer.score(reference, hypothesis)
        cases.append({"hypothesis": hypothesis, "reference": reference, **{k: triple(s) for k, s in scores.items()}})
    mean = {k: numpy.mean([c[k] for c in cases], axis=0).tolist() for k in ("rouge1", "rouge2", "rougeL", "rougeLsum")}
    return {"pairs": cases, "mean": mean}


SPAN_CASES = {
    "plain": (["B-PER I-PER O B-LOC O", "O O B-ORG"], ["B-PER I-PER O B-LOC O", "O B-ORG I-ORG"]),
    "stray I begins a span": (["B-PER I-PER O B-LOC"], ["I-PER I-PER O I-LOC"]),
    "adjacent B": (["B-PER B-PER I-PER O"], ["B-PER I-PER I-PER O"]),
    "type changes within": (["B-PER I-LOC I-LOC O"], ["B-PER I-PER I-LOC O"]),
    "I after another type": (["B-PER I-LOC O"], ["I-PER I-LOC O"]),
    "span to the end of a sentence": (["O B-PER", "I-PER O"], ["O B-PER", "B-PER O"]),
    "nothing found": (["B-PER O"], ["O O"]),
    "nothing to find": (["O O"], ["O B-PER"]),
    "nothing at all": (["O O"], ["O O"]),
    "IOB1": (["I-PER I-PER B-PER O I-LOC"], ["I-PER I-PER I-PER O I-LOC"]),
    "ends and singles": (["B-PER E-PER S-LOC I-LOC E-LOC O E-ORG"], ["B-PER I-PER S-LOC S-LOC E-LOC E-LOC E-ORG"]),
    "hyphens in types": (["B-geo-loc I-geo-loc O B-geo"], ["B-geo-loc I-geo O B-geo"]),
    "no types": (["B I O B"], ["B I O I"]),
    "one token": (["B-A"], ["B-A"]),
    "empty sentence": (["", "B-A O"], ["", "O B-A"]),
}


def make_spans():
    rng = random.Random(8)
    cases = {name: tuple([s.split() for s in side] for side in sides) for name, sides in SPAN_CASES.items()}
    tags = ["O", "O", "B-PER", "I-PER", "B-LOC", "I-LOC", "I-ORG", "B-ORG"]
    truth = [[rng.choice(tags) for _ in range(rng.randint(1, 14))] for _ in range(7)]
    cases["random"] = truth, [[t if rng.random() < 0.8 else rng.choice(tags) for t in s] for s in truth]
    result = []
    for name, (truth, found) in cases.items():
        case = {"name": name, "expected": truth, "predicted": found,
                "spans": [[[t, b, e + 1] for t, b, e in get_entities(s)] for s in found],
                "accuracy": float(seqeval.metrics.accuracy_score(truth, found))}
        types = sorted({t for s in truth + found for t, _, _ in get_entities(s)})
        p, r, f, _ = precision_recall_fscore_support(truth, found, average="micro", zero_division=0) \
            if types else (0, 0, 0, 0)
        case["micro"] = [float(p), float(r), float(f)]
        case["by_type"] = {}
        if types:
            p, r, f, n = precision_recall_fscore_support(truth, found, average=None, zero_division=0)
            case["by_type"] = {t: [float(p[i]), float(r[i]), float(f[i]), int(n[i])] for i, t in enumerate(types)}
        # This tool gives a type of which nothing was found precision 1, where conlleval.pl says 0.
        found_types = {t for s in found for t, _, _ in get_entities(s)}
        if name in ("plain", "IOB1", "hyphens in types", "random") and found_types == set(types):
            lines = []
            for t, f in zip(truth, found):
                lines += [f"w {a} {b}" for a, b in zip(t, f)] + ["-X- O O"]
            case["conlleval"] = conlleval.report(conlleval.evaluate(lines))
        result.append(case)
    return result


def calibration(confidence, correct, bins):
    """Expected calibration error by its definition (Guo et al., 2017, equation 3)."""
    confidence, correct = numpy.array(confidence), numpy.array(correct, dtype=float)
    error = 0.0
    for m in range(bins):
        inside = (confidence <= (m + 1) / bins) & ((confidence > m / bins) | ((m == 0) & (confidence == 0)))
        if inside.any():
            error += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return float(error)


def make_classification():
    rng = random.Random(9)
    truth = [rng.randrange(4) for _ in range(20)]
    cases = [("four classes", 4, truth, [t if rng.random() < 0.6 else rng.randrange(4) for t in truth]),
             ("a class that never occurs", 5, [0, 1, 1, 3, 0], [0, 1, 3, 3, 3]),
             ("a class only predicted", 3, [0, 0, 1], [2, 0, 1]),
             ("a class never predicted", 3, [0, 2, 1], [0, 0, 1]),
             ("all right", 2, [0, 1, 1], [0, 1, 1]), ("all wrong", 2, [0, 1, 1], [1, 0, 0]), ("one item", 2, [1], [1])]
    result = []
    for name, classes, expected, predicted in cases:
        labels = list(range(classes))
        p, r, f, n = class_scores(expected, predicted, labels=labels, zero_division=0)
        macro = class_scores(expected, predicted, average="macro", zero_division=0)[:3]
        result.append({
            "name": name, "classes": classes, "expected": expected, "predicted": predicted,
            "accuracy": sklearn.metrics.accuracy_score(expected, predicted), "macro": [float(x) for x in macro],
            "micro_f1": float(sklearn.metrics.f1_score(expected, predicted, average="micro")),
            "by_class": [[float(p[i]), float(r[i]), float(f[i]), int(n[i])] for i in labels],
            "confusion": sklearn.metrics.confusion_matrix(expected, predicted, labels=labels).tolist()})
    confidence = [0.0, 1.0, 1 / 15, 2 / 15, 0.2, 0.4, 0.6, 0.8, 0.30000000000000004] + \
        [round(rng.random(), 6) for _ in range(20)]
    correct = [rng.random() < c for c in confidence]
    return {"single": result, "calibration": [
        {"bins": bins, "confidence": confidence, "correct": correct, "error": calibration(confidence, correct, bins)}
        for bins in (15, 10, 1)]}


def make_multilabel():
    rng = random.Random(10)
    result = []
    for classes, count in ((5, 30), (3, 4), (1, 3)):
        expected = [sorted(rng.sample(range(classes), rng.randint(0, classes))) for _ in range(count)]
        predicted = [sorted(set(e) ^ {c for c in range(classes) if rng.random() < 0.25}) for e in expected]
        rows = [[[int(c in s) for c in range(classes)] for s in side] for side in (expected, predicted)]
        truth, found = (numpy.array(side).reshape(count, classes) for side in rows)
        if classes == 1:  # scikit-learn takes one column for one label of two
            p, r, f, n = class_scores(truth[:, 0], found[:, 0], labels=[1], zero_division=0)
            micro = macro = [p[0], r[0], f[0]]
        else:
            p, r, f, n = class_scores(truth, found, zero_division=0)
            micro = class_scores(truth, found, average="micro", zero_division=0)[:3]
            macro = class_scores(truth, found, average="macro", zero_division=0)[:3]
        result.append({
            "classes": classes, "expected": expected, "predicted": predicted,
            "exact": float((truth == found).all(axis=1).mean()),
            "micro": [float(x) for x in micro], "macro": [float(x) for x in macro],
            "by_class": [[float(p[i]), float(r[i]), float(f[i]), int(n[i])] for i in range(classes)]})
    return result


# Prediction, answers, probability that there is none.
ANSWERS = [
    ("the Eiffel tower", ["Eiffel Tower"], 0.1),
    ("in March 1887, by engineers", ["March 1887", "1887"], 0.2),
    ("wool", [], 0.02), ("", ["the", "wool"], 0.7), ("", [], 0.9), ("a guess", [], 0.6), ("", ["wool"], 0.8), ("", ["the"], 0.3), ("the", ["wool"], 0.3),
    ("The  U.S.A.!", ["USA", "United States"], 0.05), ("theatre an other", ["theatre, another"], 0.4),
    ("a_the_b", ["atheb"], 0.4), ("café a\u0301 la carte", ["Café \u0301 la carte"], 0.35),
    ("à the\u00a0dock", ["à dock"], 0.35), ("İzmir ΟΔΟΣ", ["i\u0307zmir οδος"], 0.2),
    ("x²an the²", ["x²an the²"], 0.2), ("a an the", ["thing"], 0.5), ("one one two", ["one two two", "one"], 0.5),
    ("\u201cquoted\u201d", ["quoted"], 0.1), ("an-apple", ["anapple", "apple"], 0.2), ("10,000", ["10000"], 0.45),
    ("東京 the 都", ["東京 都"], 0.1),
]


class Question:
    def __init__(self, number, answers):
        self.qas_id = str(number)
        self.answers = [{"text": a} for a in answers]


def make_answers():
    questions = [Question(i, answers) for i, (_, answers, _) in enumerate(ANSWERS)]
    predictions = {str(i): p for i, (p, _, _) in enumerate(ANSWERS)}
    probabilities = {str(i): p for i, (_, _, p) in enumerate(ANSWERS)}
    exact, f1 = squad_metrics.get_raw_scores(questions, predictions)
    with_threshold = squad_metrics.squad_evaluate(questions, predictions, probabilities, 0.5)
    return {
        "questions": [{"prediction": p, "answers": a, "no_answer": n, "exact": exact[str(i)], "f1": f1[str(i)],
                       "normalized": squad_metrics.normalize_answer(p)} for i, (p, a, n) in enumerate(ANSWERS)],
        "plain": squad_metrics.squad_evaluate(questions, predictions), "threshold_0.5": with_threshold,
        "only_answers": squad_metrics.squad_evaluate([q for q in questions if q.answers], predictions)}


def make_ranking():
    rng = random.Random(11)
    queries, qrels, run = [], {}, {}
    for i in range(9):
        ranked = rng.sample(range(40), rng.randint(5, 20))
        relevant = rng.sample(range(40), rng.randint(1, 6))
        gains = [rng.randint(1, 4) for _ in relevant]
        queries.append({"ranked": ranked, "relevant": relevant, "gains": gains})
        qrels[f"q{i}"] = {f"d{d}": g for d, g in zip(relevant, gains)}
        run[f"q{i}"] = {f"d{d}": float(len(ranked) - rank) for rank, d in enumerate(ranked)}
    cutoffs = [1, 3, 10, 100]
    names = [f"{m}@{k}" for m in ("recall", "ndcg") for k in cutoffs]
    values = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), [*names, "mrr"])
    return {"queries": queries, "cutoffs": cutoffs, "mrr": float(values["mrr"]),
            "recall": [float(values[f"recall@{k}"]) for k in cutoffs],
            "ndcg": [float(values[f"ndcg@{k}"]) for k in cutoffs]}


def to_json(value):
    """With the escapes of JSON for what cannot be seen only."""
    def seen(match):
        char = chr(int(match.group(2), 16)) if match.group(2) else ""
        return char if char.isprintable() and not unicodedata.category(char).startswith(("M", "C")) else match.group(0)
    text = json.dumps(value, separators=(",", ":"))
    return re.sub(r"(\\\\)|\\u([0-9a-f]{4})", lambda m: seen(m) if m.group(2) else m.group(0), text)


def main():
    result = {"text": make_text(), "corpora": make_corpora(), "rouge": make_rouge(), "spans": make_spans(),
              "classification": make_classification(), "multilabel": make_multilabel(), "answers": make_answers(),
              "ranking": make_ranking()}
    parts = []
    for key, value in result.items():
        lines = [to_json(v) for v in value] if isinstance(value, list) else [to_json(value)]
        inside = ",\n".join(lines)
        parts.append(f'"{key}":[\n{inside}\n]' if isinstance(value, list) else f'"{key}":{inside}')
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
