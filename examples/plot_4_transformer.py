"""
A transformer: is a third of the sentences enough?
==================================================

The data maps of the paper are those of transformers, fine-tuned on text. Here we train a small
DistilBERT from scratch to classify film reviews as good or bad. Is the ambiguous third of the
sentences enough to train it, also for reviews of other things?

Run the example with the name of a pretrained model (``plot_4_transformer.py
distilbert-base-uncased``) to download and fine-tune that model. If the environment variable
``SKLEARN_CARTO_DATA`` is the path of a folder with sentences of film critics, these are used;
otherwise, sentences are generated.
"""

# %%
# Sentences
# ---------
# The generated sentences are positive or negative. Some are negated by *not*, some have a first
# clause of the opposite sentiment, and one label in twenty is wrong.
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline
from skorch import NeuralNetClassifier
from skorch.hf import HuggingfacePretrainedTokenizer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.trainers import WordLevelTrainer
from transformers import (
    AutoModelForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedTokenizerFast,
)

from sklearn_carto import CartographyClassifier, DataMapDisplay, compare_subsets

PRETRAINED = sys.argv[1] if len(sys.argv) > 1 else None
WORDS = {
    "film": "plot acting script cast score ending dialogue camera hero pace",
    "phone": "battery screen sound case charger camera keypad signal price headset",
    "good": "great lovely sharp moving clever superb warm funny fine bright",
    "bad": "dull awful flat clumsy tired cheap weak boring poor silly",
}
WORDS = {name: words.split() for name, words in WORDS.items()}


def make_sentences(subject, n_sentences, rng):
    """Generate sentences about a subject; the label is the sentiment of the last clause."""

    def clause(label):
        negated = rng.rand() < 0.25
        words = WORDS["good" if bool(label) != negated else "bad"]
        thing, word = rng.choice(WORDS[subject]), rng.choice(words)
        return f"the {thing} is {'not ' if negated else ''}{word}"

    labels = rng.randint(2, size=n_sentences)
    first = np.where(rng.rand(n_sentences) < 0.3, 1 - labels, labels)
    link = {True: "and", False: "but"}
    texts = [
        f"{clause(b)} {link[bool(a == b)]} {clause(a)}" for a, b in zip(labels, first, strict=True)
    ]
    wrong = rng.rand(n_sentences) < 0.05
    return np.array(texts), np.where(wrong, 1 - labels, labels)


file = Path(os.environ.get("SKLEARN_CARTO_DATA", ".")) / "sentiment" / "sentiment.csv.gz"
rng = np.random.RandomState(0)
if file.exists():
    reviews = pd.read_csv(file)
    films, others = reviews[reviews.split == "train"], reviews[reviews.split == "ood"]
    films = films.sample(4000, random_state=0)
    texts, labels = films.text.to_numpy(str), films.label.to_numpy()
    other_texts, other_labels = others.text.to_numpy(str), others.label.to_numpy()
else:
    texts, labels = make_sentences("film", 1200, rng)
    other_texts, other_labels = make_sentences("phone", 500, rng)
print(f"{len(texts)} sentences, for example: {texts[0]}")

# %%
# The model
# ---------
# A pipeline of scikit-learn with a tokenizer, trained on these sentences, and a transformer.
N_WORDS = 4000


class Transformer(torch.nn.Module):
    """A DistilBERT that returns the logits of the classes."""

    def __init__(self):
        super().__init__()
        if PRETRAINED:
            self.model = AutoModelForSequenceClassification.from_pretrained(PRETRAINED)
        else:
            sizes = {"dim": 64, "hidden_dim": 128, "n_layers": 1, "n_heads": 4}
            sizes |= {"vocab_size": N_WORDS, "max_position_embeddings": 32}
            config = DistilBertConfig(**sizes)
            self.model = DistilBertForSequenceClassification(config)

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids, attention_mask).logits


if PRETRAINED:
    tokenizer = PRETRAINED
else:
    words = Tokenizer(WordLevel(unk_token="[UNK]"))
    words.normalizer, words.pre_tokenizer = Lowercase(), Whitespace()
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]"}
    trainer = WordLevelTrainer(vocab_size=N_WORDS, special_tokens=list(special.values()))
    words.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, **special)
net = NeuralNetClassifier(
    Transformer,
    criterion=torch.nn.CrossEntropyLoss,
    optimizer=torch.optim.AdamW,
    lr=5e-5 if PRETRAINED else 1e-3,
    batch_size=32,
    max_epochs=3 if PRETRAINED else 5,
    iterator_train__shuffle=True,
    train_split=None,
    verbose=0,
)
model = make_pipeline(HuggingfacePretrainedTokenizer(tokenizer, max_length=32), net)

# %%
# The map, without extra forward passes
# -------------------------------------
# ``record="training"`` records the probabilities of the training forward pass, in which dropout is
# active and the weights change from batch to batch. ``record="epoch_end"`` evaluates all sentences
# after each epoch, which costs an extra forward pass.
watched = CartographyClassifier(model, record="training", random_state=0).fit(texts, labels)
data_map = watched.data_map_
display = DataMapDisplay.from_data_map(data_map)
display.figure_.savefig("transformer.png", dpi=150)
print("The map is saved in transformer.png")
names = {"easy": "easiest", "ambiguous": "most ambiguous", "hard": "hardest"}
for region, name in names.items():
    row = data_map.select(region, 1 / len(texts), stratify=False, random_state=0)[0]
    print(f"{name} (label {labels[row]}): {texts[row]}")

# %%
# Is a third enough?
# ------------------
# With ``match="steps"``, models are trained on subsets for as many steps as on all sentences. They
# are also evaluated out of distribution, on reviews of other things.
comparison = compare_subsets(
    model,
    texts,
    labels,
    regions=["ambiguous"],
    cv=ShuffleSplit(2, test_size=0.25, random_state=0),
    ood={"other reviews": (other_texts, other_labels)},
    match="steps",
    random_state=0,
)
print(comparison)

# %%
# What to remember: a pipeline on text is watched like any other estimator. Inspect the hard
# sentences first, and compare the score of the ambiguous third with that of a random third.
