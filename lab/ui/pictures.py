"""The example pictures as the page uses them: by key, the first one being what the page opens with."""

from lab.examples import EXAMPLES

PICTURES = {example.key: example for example in EXAMPLES}
FIRST = EXAMPLES[0].key
