#include "attend/task/task.h"

#include <fmt/format.h>

#include "attend/base/error.h"
#include "io/printable.h"
#include "task/converse/config.h"
#include "task/model_folder.h"

namespace attend::task {

const std::vector<Task>& tasks() {
  static const std::vector<Task> all = {
      {.name = "generate",
       .learns = "to go on with a text in its own style",
       .data =
           "a text file (UTF-8; any bytes with --tokenizer byte), or a folder of .txt, .text and .md files",
       .model = "GPT decoder",
       .metric = "loss (nats per token), perplexity, bits per character"},
      {.name = "classify",
       .learns = "labels of texts: one or several columns at once",
       .data = "a table (*.csv, *.tsv, *.tab) or JSON Lines (*.jsonl) with a column for the text and one for "
               "each label",
       .model = "encoder",
       .metric = "accuracy, macro-F1, confusion matrix, calibration error",
       .encoder = "."},
      {.name = "translate",
       .learns = "to translate",
       .data = "pairs of texts: a table (.tsv, .tab, .csv), or a file of sources and one of targets, UTF-8",
       .model = "encoder-decoder: transformer or rnn",
       .metric = "BLEU (as sacreBLEU, tokenisation 13a), chrF, loss"},
      {.name = "summarize",
       .learns = "to say the same in fewer words",
       .data = "pairs of a text and its summary: a table (.tsv, .tab, .csv), or two files, UTF-8",
       .model = "encoder-decoder: transformer or rnn",
       .metric = "ROUGE-1, ROUGE-2, ROUGE-L (as rouge-score) beside the first sentence, loss"},
      {.name = "tag",
       .learns = "a tag for each word of a sentence: parts of speech, names",
       .data = "sentences in columns, a word a line: CoNLL, CoNLL-U (*.conllu), numbered IOB2 (*.iob2)",
       .model = "encoder, with a conditional random field on top",
       .metric = "share of words with the right tag; precision, recall and F1 of spans",
       .encoder = "."},
      {.name = "search",
       .learns = "which texts belong together, to find those that answer a query",
       .data = "pairs of a query and its text: a table (.tsv, .tab, .csv), or two files, UTF-8",
       .model = "encoder that makes a vector of a text",
       .metric = "recall@1, recall@10, MRR, nDCG@10 among candidates",
       .encoder = "."},
      {.name = "answer",
       .learns = "to find the part of a text that answers a question",
       .data = "questions about texts: SQuAD's JSON (*.json), or a table of question, text and answer",
       .model = "encoder that tells where a span starts and ends",
       .metric = "exact match and F1 by the rules of SQuAD",
       .encoder = "."},
      {.name = "converse",
       .learns = "to reply to questions by known answers, paragraphs of documents, or words of its own",
       .data =
           "pairs of a question and its answer: a table (.tsv, .tab, .csv), or two files, UTF-8; documents",
       .model = "encoder that makes a vector of a text; an encoder-decoder with --generate",
       .metric = "recall@1, recall@10 and MRR of answers, BLEU and ROUGE of replies",
       .encoder = kSearchFolder},
      {.name = "image-classify",
       .learns = "which of some classes a picture shows",
       .data =
           "pictures (PNG, JPEG) in a subfolder for each class, a table of paths and labels, or IDX files",
       .model = "residual network with attention blocks, or vision transformer",
       .metric = "accuracy, top-5 accuracy, macro-F1, confusion matrix, calibration error"},
      {.name = "image-generate",
       .learns = "to make pictures of a class that is asked for",
       .data =
           "pictures (PNG, JPEG) in a subfolder for each class, a table of paths and labels, or IDX files",
       .model = "variational autoencoder, or generative adversarial network, with self-attention",
       .metric = "share of samples that a classifier recognises, Frechet distance to real pictures"},
      {.name = "segment",
       .learns = "the class of each pixel of a picture",
       .data = "pictures (PNG, JPEG) and masks (PNG) in the folders images and masks, or a table of their "
               "paths",
       .model = "U-Net with attention gates",
       .metric = "mean IoU, mean Dice, pixel accuracy"},
      {.name = "detect",
       .learns = "to find the objects in a picture, their classes and boxes",
       .data = "a folder in the format of Pascal VOC (Annotations, JPEGImages), or a file *.json in that of "
               "COCO",
       .model = "two-stage detector with attention, or detection transformer",
       .metric = "mean average precision at IoU 0.5 to 0.95, at 0.5, by size and by class"},
      {.name = "pretrain",
       .learns = "to tell hidden words of a text, so that other tasks may start from it (--init)",
       .data = "a text file (UTF-8), or a folder of .txt, .text and .md files",
       .model = "encoder",
       .metric = "masked loss (nats per hidden token), masked perplexity",
       .encoder = "."},
  };
  return all;
}

const Task& find_task(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Task& task : tasks()) {
    if (task.name == name) return task;
    names.push_back(task.name);
  }
  throw Error(fmt::format("task {}: this version knows {}", io::printable(name), fmt::join(names, ", ")));
}

const Task& task_of_folder(const std::filesystem::path& folder) {
  return find_task(read_config(folder)["task"].get<std::string>());
}

}  // namespace attend::task
