"""What is measured on: checkpoints, ONNX files, texts and the batches cut of them."""
import json
import lzma
import os
import subprocess
import sys

from programs import HERE, Program

BATCH = 32
REVIEWS, PARAGRAPHS, MANY = 2048, 256, 100_000
QUERIES = 20  # as bench_index.c has it


def spread(items, count):
    """`count` of the items, evenly spread: all where there are fewer."""
    if len(items) <= count:
        return items
    return [items[i * len(items) // count] for i in range(count)]


class Material:
    """The files under BUILD/bench/data, made where they are missing."""

    def __init__(self, build, shared):
        self.build, self.shared = build, shared
        self.data = os.path.join(build, "bench", "data")
        self.notes = []
        os.makedirs(self.data, exist_ok=True)
        self.reviews, self.many = self._read_reviews()
        self.paragraphs = self._read_paragraphs()
        self.ids = {}
        self.embedder_name = None

    def path(self, *names):
        return os.path.join(self.data, *names)

    def program(self, name, *arguments):
        return Program([os.path.join(self.build, "bench", name), *map(str, arguments)])

    def _read_tsv(self, name):
        path = os.path.join(self.shared, "data", "nsmc", name)
        with lzma.open(path, "rt", encoding="utf-8") as file:
            next(file)
            for line in file:
                text = line.rstrip("\n").split("\t")[3]
                if text:
                    yield text

    def _read_reviews(self):
        try:
            reviews = spread(list(self._read_tsv("test.tsv.xz")), REVIEWS)
            many = [text for text, _ in zip(self._read_tsv("train.tsv.xz"), range(MANY + QUERIES))]
            return reviews, many
        except OSError:
            self.notes.append(f"No reviews in {self.shared}/data/nsmc: a few sentences of the tests instead.")
        path = os.path.join(HERE, "..", "reference", "tiny", "expected.json")
        with open(path, encoding="utf-8") as file:
            cases = [case["text"].replace("\n", " ") for case in json.load(file)["cases"]]
        cases = [text for text in cases if text.strip()]
        return (cases * (REVIEWS // len(cases) + 1))[:REVIEWS], []

    def _read_paragraphs(self):
        path = os.path.join(self.shared, "data", "korquad", "KorQuAD_v1.0_dev.json")
        try:
            with open(path, encoding="utf-8") as file:
                articles = json.load(file)["data"]
        except OSError:
            self.notes.append(f"No paragraphs in {self.shared}/data/korquad: not measured on long texts.")
            return []
        contexts = [p["context"] for article in articles for p in article["paragraphs"]]
        return spread([" ".join(context.split()) for context in contexts], PARAGRAPHS)

    def checkpoint(self, size, layers=12):
        """A random checkpoint of KoELECTRA's size."""
        folder = self.path(size if layers == 12 else f"{size}-{layers}")
        weights, maker = os.path.join(folder, "model.safetensors"), os.path.join(HERE, "make_random.py")
        if not os.path.exists(weights) or os.path.getmtime(weights) < os.path.getmtime(maker):
            command = [sys.executable, maker, size, folder]
            vocabulary = os.path.join(self.shared, "fixtures", "tokenizer", "koelectra-v1.vocab.txt")
            if os.path.exists(vocabulary):
                command += ["--vocab", vocabulary]
            subprocess.run([*command, "--layers", str(layers)], check=True, stdout=subprocess.DEVNULL)
        return folder

    def embedder(self):
        """The checkpoint whose embeddings are searched: a trained one where there is one, for what
        search costs depends on how near the vectors are to each other."""
        trained = os.path.join(self.shared, "fixtures", "checkpoints", "nsmc-small")
        if os.path.isdir(trained):
            self.embedder_name = "embeddings of NSMC reviews by a trained KoELECTRA-small"
            return trained
        self.embedder_name = "embeddings of NSMC reviews by one random layer"
        return self.checkpoint("small", 1)

    def onnx(self, size, precision):
        """The peer's file of the same checkpoint, in the folder layout of transformers.js."""
        folder = self.checkpoint(size)
        name = {"float32": "model.onnx", "int8": "model_quantized.onnx"}[precision]
        path = os.path.join(folder, "onnx", name)
        writer = os.path.join(self.build, "bench", "bench_onnx")
        sources = (writer, os.path.join(folder, "model.safetensors"))
        if not os.path.exists(path) or os.path.getmtime(path) < max(map(os.path.getmtime, sources)):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            subprocess.run([writer, folder, precision, path], check=True)
        return path

    def tokenizer_json(self, folder):
        """Writes tokenizer.json, which transformers.js wants: what our tokenizer does."""
        with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as file:
            vocabulary = {line.rstrip("\n"): number for number, line in enumerate(file)}
        specials = {name: vocabulary[name] for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")}
        flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}

        def special(name):
            return {"SpecialToken": {"id": name, "type_id": 0}}

        def sequence(name):
            return {"Sequence": {"id": name, "type_id": 0}}

        single = [special("[CLS]"), sequence("A"), special("[SEP]")]
        tokenizer = {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [{"id": number, "content": name, **flags} for name, number in specials.items()],
            "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                           "strip_accents": None, "lowercase": False},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": single,
                "pair": [*single, sequence("B"), special("[SEP]")],
                "special_tokens": {name: {"id": name, "ids": [specials[name]], "tokens": [name]}
                                   for name in ("[CLS]", "[SEP]")},
            },
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                      "max_input_chars_per_word": 100, "vocab": vocabulary},
        }
        with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
            json.dump(tokenizer, file, ensure_ascii=False)

    def write_lines(self, name, lines):
        path = self.path(name)
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(line + "\n" for line in lines)
        return path

    def token_ids(self, name, texts):
        """The ids of each text as a line, from our tokenizer, which the tests hold against Hugging
        Face's: so the peer's time is the encoder's alone."""
        if name not in self.ids:
            path, out = self.write_lines(f"{name}.txt", texts), self.path(f"{name}.ids")
            with self.program("bench_encoder", self.checkpoint("small"), "float32", 1) as ours:
                ours.ask("load")
                ours.ask("ids", path, out)
            with open(out, encoding="utf-8") as file:
                self.ids[name] = file.read().splitlines()
        return self.ids[name]

    def rounds(self, name, texts, order, size, count):
        """`count` pairs of files with the same `size` texts: one a text a line, for us, and one of
        ids in batches, for the peer.  `order` is natural, as the texts come, or sorted: each batch
        has texts of nearly the same length, of all the sample, and each round has short and long
        batches.  No text is in two rounds unless there are too few."""
        ids = self.token_ids(name, texts)
        indexes = list(range(len(texts)))
        if order == "sorted":
            indexes.sort(key=lambda i: ids[i].count(" "))
        batches = [indexes[i : i + BATCH] for i in range(0, len(indexes), BATCH)]
        each = max(1, size // BATCH)
        pairs = []
        for number in range(count):
            if order == "sorted":
                step = max(1, len(batches) // each)
                chosen = batches[number % step :: step][:each]
            else:
                start = number * each % max(1, len(batches) - each + 1)
                chosen = batches[start : start + each]
            stem = f"{name}-{order}-{size}-{number}"
            lines = [texts[i] for batch in chosen for i in batch]
            blocks = ["\n".join(ids[i] for i in batch) + "\n" for batch in chosen]
            pairs.append((self.write_lines(stem + ".txt", lines), self.write_lines(stem + ".ids", blocks)))
        return pairs
