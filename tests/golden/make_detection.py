"""Writes detection.json for tests/metric/detection_test.cpp: what pycocotools says about the pictures below.

    pip install pycocotools==2.0.11
    python3 tests/golden/make_detection.py

Corners are quarters of a pixel, so that they are the same numbers in single precision. An object is [class, x, y, width,
height, kind, area]: kind 0 is ordinary, 1 a crowd, 2 difficult; without an area, that of the box is meant. A found box is
[class, x, y, width, height, score].
"""

import contextlib
import io
import json
import pathlib
import random

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

CROWD, DIFFICULT = 1, 2
# pycocotools knows no difficult objects, but treats those of an area outside of every range in the same way.
FAR_AREA = 1e12


def quarters(value):
    return round(4 * value) / 4


def random_box(rng, sizes):
    width, height = (quarters(rng.choice(sizes) * rng.uniform(0.6, 1.5)) for _ in range(2))
    return [quarters(rng.uniform(0, 100)), quarters(rng.uniform(0, 100)), width, height]


def moved(rng, box, by):
    x, y, width, height = box
    return [quarters(x + by * rng.uniform(-1, 1) * width), quarters(y + by * rng.uniform(-1, 1) * height),
            max(1, quarters(width * (1 + by * rng.uniform(-1, 1)))),
            max(1, quarters(height * (1 + by * rng.uniform(-1, 1))))]


def random_picture(rng, classes, most, spurious, crowds=0.0, difficult=0.0, areas=False, sizes=(12, 45, 130)):
    objects, found = [], []
    for _ in range(rng.randint(0, most)):
        label, box = rng.choice(classes), random_box(rng, sizes)
        kind = CROWD if rng.random() < crowds else DIFFICULT if rng.random() < difficult else 0
        area = [quarters(box[2] * box[3] * rng.uniform(0.3, 1))] if areas else []
        objects.append([label, *box, kind, *area])
        for _ in range(rng.choice([0, 1, 1, 2, 4] if kind else [0, 1, 1, 1, 2])):
            seen = label if rng.random() < 0.85 else rng.choice(classes)
            found.append([seen, *moved(rng, box, rng.choice([0, 0.05, 0.15, 0.4])), rng.randint(1, 20) / 20])
    for _ in range(rng.randint(0, spurious)):
        found.append([rng.choice(classes), *random_box(rng, sizes), rng.randint(1, 12) / 20])
    rng.shuffle(found)
    return {"objects": objects, "found": found}


def cases():
    """Name, number of classes, pictures."""
    rng = random.Random(23)
    yield "plain", 3, [random_picture(rng, [0, 1, 2], 6, 4) for _ in range(8)]
    yield "crowds", 2, [random_picture(rng, [0, 1], 6, 3, crowds=0.4) for _ in range(8)]
    yield "difficult", 2, [random_picture(rng, [0, 1], 6, 3, crowds=0.2, difficult=0.4) for _ in range(8)]
    yield "areas of objects", 2, [random_picture(rng, [0, 1], 6, 3, areas=True) for _ in range(8)]
    yield "more than 100 boxes", 1, [random_picture(rng, [0], 60, 130, sizes=(12, 30)) for _ in range(2)]
    pictures = [random_picture(rng, [0, 1, 3], 5, 3) for _ in range(5)]
    for picture in pictures:  # class 1 is found but not there, class 2 neither, class 3 there but not found
        picture["objects"] = [o for o in picture["objects"] if o[0] != 1]
        picture["found"] = [f for f in picture["found"] if f[0] != 3]
    yield "classes of one side", 4, pictures
    yield "nothing found", 2, [{**random_picture(rng, [0, 1], 5, 0), "found": []} for _ in range(3)]
    yield "nothing there", 1, [{**random_picture(rng, [0], 5, 3), "objects": []} for _ in range(3)]
    yield "one score", 2, [{"objects": p["objects"], "found": [[*f[:5], 0.5] for f in p["found"]]}
                           for p in (random_picture(rng, [0, 1], 6, 4) for _ in range(6))]
    # Overlaps of exactly 1/2 and 3/4, areas of exactly 32 x 32 and 96 x 96, two objects that fit equally.
    yield "limits", 1, [
        {"objects": [[0, 0, 0, 40, 10, 0]], "found": [[0, 0, 0, 20, 10, 0.9], [0, 10, 0, 30, 10, 0.8]]},
        {"objects": [[0, 0, 0, 32, 32, 0], [0, 100, 0, 96, 96, 0]],
         "found": [[0, 100, 0, 96, 96, 0.7], [0, 0, 0, 32, 32, 0.6]]},
        {"objects": [[0, 0, 0, 20, 20, 0], [0, 10, 0, 20, 20, 0]],
         "found": [[0, 5, 0, 20, 20, 0.9], [0, 5, 0, 20, 20, 0.9], [0, 5, 0, 20, 20, 0.9]]},
        {"objects": [[0, 0, 0, 20, 20, 0], [0, 0, 0, 20, 20, 1]],
         "found": [[0, 0, 0, 20, 20, 0.9], [0, 0, 0, 20, 20, 0.8], [0, 0, 10, 20, 30, 0.85]]}]
    yield "perfect", 2, [{"objects": p["objects"], "found": [[*o[:5], 0.9] for o in p["objects"]]}
                         for p in (random_picture(rng, [0, 1], 6, 0) for _ in range(4))]


def to_coco(classes, pictures):
    annotations, results = [], []
    for i, picture in enumerate(pictures):
        for label, x, y, width, height, kind, *area in picture["objects"]:
            annotations.append({"id": len(annotations) + 1, "image_id": i + 1, "category_id": label + 1,
                                "bbox": [x, y, width, height], "iscrowd": int(kind == CROWD),
                                "area": FAR_AREA if kind == DIFFICULT else area[0] if area else width * height})
        results += [{"image_id": i + 1, "category_id": label + 1, "bbox": [x, y, width, height], "score": score}
                    for label, x, y, width, height, score in picture["found"]]
    coco = COCO()
    coco.dataset = {"info": {}, "images": [{"id": i + 1} for i in range(len(pictures))], "annotations": annotations,
                    "categories": [{"id": c + 1, "name": str(c)} for c in range(classes)]}
    coco.createIndex()
    if results:
        return coco, coco.loadRes(results)
    nothing = COCO()
    nothing.dataset = {**coco.dataset, "annotations": []}
    nothing.createIndex()
    return coco, nothing


def measured(classes, pictures):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        evaluation = COCOeval(*to_coco(classes, pictures), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        evaluation.summarize()
    by_class = []
    for threshold in (slice(None), slice(0, 1)):
        precision = evaluation.eval["precision"][threshold, :, :, 0, -1]
        by_class.append([float(p[p > -1].mean()) if (p > -1).any() else -1.0
                         for p in (precision[:, :, c] for c in range(classes))])
    return {"stats": [float(v) for v in evaluation.stats], "ap_by_class": by_class[0], "ap50_by_class": by_class[1],
            "text": text.getvalue()}


def main():
    lines = [json.dumps({"name": name, "classes": classes, "pictures": pictures, **measured(classes, pictures)},
                        separators=(",", ":")).replace(".0,", ",").replace(".0]", "]")
             for name, classes, pictures in cases()]
    path = pathlib.Path(__file__).with_name("detection.json")
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
