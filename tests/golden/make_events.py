"""Prints, in hexadecimal, the bytes that tests/train/metrics_log_test.cpp expects: an event file by TensorBoard's writer.

    pip install tensorboard && python3 tests/golden/make_events.py            # made with tensorboard 2.21
    python3 tests/golden/make_events.py --read FOLDER    # which scalars does TensorBoard read from a model folder?
"""

import io
import sys

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


class Kept(io.BytesIO):
    def close(self):
        pass


def make():
    file = Kept()
    writer = RecordWriter(file)
    values = [summary_pb2.Summary.Value(tag="loss", simple_value=1.5),
              summary_pb2.Summary.Value(tag="tokens", simple_value=2)]
    for event in (event_pb2.Event(wall_time=1.0, file_version="brain.Event:2"),
                  event_pb2.Event(wall_time=1.0, step=300, summary=summary_pb2.Summary(value=values))):
        writer.write(event.SerializeToString())
    writer.flush()
    print(file.getvalue().hex())


def read(folder):
    events = event_accumulator.EventAccumulator(folder)
    events.Reload()
    for tag in events.Tags()["scalars"]:
        print(tag, [(event.step, event.value) for event in events.Scalars(tag)])


if __name__ == "__main__":
    read(sys.argv[2]) if sys.argv[1:2] == ["--read"] else make()
