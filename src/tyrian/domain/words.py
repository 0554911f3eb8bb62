"""Words by which people leave and come back, by language. Only a message that is nothing else but such a word counts.

Words that also mean something in a dialogue (cancel, end, exit, no) are left out; an account can add them.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

#: Longer messages are no words; nothing is normalised for nothing.
_LONGEST: Final = 64
#: Letters that Unicode does not take apart into a letter and its mark.
_LETTERS: Final = str.maketrans({"đ": "d", "ð": "d", "ł": "l", "ø": "o", "ı": "i", "æ": "ae", "œ": "oe"})

OPT_OUT: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("stop", "stop all", "unsubscribe", "opt out", "quit", "revoke", "remove me"),
    "hr": ("odjava", "odjavi", "odjavi me", "odjavljujem se", "prekid"),
    "sr": ("стоп", "одјава", "одјави", "одјави ме", "prekini"),
    "bs": ("odjavite me",),
    "sl": ("odjavite", "odjavi se", "ustavi"),
    "mk": ("одјави се", "одјавете ме"),
    "sq": ("ndal", "ndalo", "çregjistrohu"),
    "bg": ("отпиши ме", "отписване", "отказвам се"),
    "el": ("στοπ", "διαγραφή", "διακοπή", "κατάργηση εγγραφής"),
    "de": ("stopp", "abmelden", "abmeldung", "abbestellen", "austragen"),
    "nl": ("afmelden", "uitschrijven", "stoppen"),
    "es": ("alto", "baja", "darme de baja", "cancelar suscripción", "parar"),
    "ca": ("atura", "donar-me de baixa"),
    "fr": ("arrêt", "arrêter", "désabonner", "me désabonner", "désinscription", "désinscrire"),
    "it": ("cancellami", "disiscrivimi", "disiscrivi", "disiscrizione", "annulla iscrizione"),
    "pt": ("descadastrar", "cancelar inscrição", "cancelar subscrição", "pare"),
    "ru": ("отписаться", "отписка", "отпишите меня", "отписать"),
    "uk": ("відписатися", "відписатись", "відписка", "відпишіть мене"),
    "be": ("адпісацца", "адпіска"),
    "pl": ("wypisz", "wypisz mnie", "rezygnuję", "rezygnacja"),
    "cs": ("odhlásit", "odhlásit se", "odhlášení", "zrušit odběr"),
    "sk": ("odhlásiť", "odhlásiť sa", "odhlásenie", "zrušiť odber"),
    "hu": ("állj", "leiratkozás", "leiratkozom", "lemondás"),
    "ro": ("dezabonare", "dezabonează-mă", "mă dezabonez"),
    "tr": ("dur", "durdur", "ret", "abonelikten çık"),
    "az": ("dayandır", "abunəlikdən çıx"),
    "lt": ("atsisakau", "atsisakyti"),
    "lv": ("atteikties", "atrakstīties"),
    "et": ("loobu", "loobun"),
    "fi": ("peruuta tilaus", "lopeta"),
    "sv": ("avregistrera", "avprenumerera"),
    "da": ("afmeld", "frameld"),
    "no": ("avmeld", "meld av"),
    "ar": ("توقف", "قف", "إيقاف", "إلغاء الاشتراك"),
    "he": ("הסר", "הסירו", "הסר אותי"),
    "fa": ("لغو اشتراک",),
    "id": ("berhenti", "berhenti berlangganan"),
}
OPT_IN: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("start", "unstop", "subscribe", "opt in"),
    "hr": ("prijava", "prijavi me"),
    "sr": ("старт", "пријава", "пријави ме"),
    "sl": ("prijavi se",),
    "mk": ("пријави се",),
    "sq": ("regjistrohu",),
    "bg": ("запиши ме", "абонирай ме"),
    "el": ("εγγραφή", "έναρξη"),
    "de": ("anmelden", "anmeldung"),
    "nl": ("aanmelden", "inschrijven"),
    "es": ("alta", "suscribirme"),
    "fr": ("abonner", "m'abonner", "inscription"),
    "it": ("iscrivimi", "iscrizione"),
    "pt": ("inscrever", "subscrever"),
    "ru": ("подписаться", "подписка"),
    "uk": ("підписатися", "підписатись", "підписка"),
    "be": ("падпісацца",),
    "pl": ("zapisz mnie",),
    "cs": ("přihlásit", "přihlásit se"),
    "sk": ("prihlásiť", "prihlásiť sa"),
    "hu": ("feliratkozás", "feliratkozom"),
    "ro": ("abonare", "mă abonez"),
    "tr": ("başlat", "abone ol"),
    "ar": ("اشتراك", "ابدأ"),
    "he": ("הצטרף",),
    "id": ("berlangganan",),
}


class Word(NamedTuple):
    """A word that was found in a message: what it means (`opt_out` or `opt_in`), and in which language."""

    meaning: str
    #: None for a word of the account's own.
    language: str | None


def normalised(text: str) -> str:
    """A text without case, accents, punctuation and spaces: what is left is letters and digits."""
    apart = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    return "".join(c for c in apart if c.isalnum())


def _table(words: Mapping[str, tuple[str, ...]], meaning: str) -> dict[str, Word]:
    found: dict[str, Word] = {}
    for language, several in words.items():
        for word in several:
            found.setdefault(normalised(word), Word(meaning, language))
    return found


BUILT_IN: Final[Mapping[str, Word]] = {**_table(OPT_IN, "opt_in"), **_table(OPT_OUT, "opt_out")}


@lru_cache(maxsize=1024)
def _own(opt_out: tuple[str, ...], opt_in: tuple[str, ...], without: tuple[str, ...]) -> Mapping[str, Word]:
    gone = {normalised(word) for word in without}
    made = {key: word for key, word in BUILT_IN.items() if key not in gone}
    made.update({normalised(word): Word("opt_in", None) for word in opt_in})
    made.update({normalised(word): Word("opt_out", None) for word in opt_out})
    return made


def meaning(
    text: str, opt_out: Iterable[str] = (), opt_in: Iterable[str] = (), without: Iterable[str] = ()
) -> Word | None:
    """What a message means if it is nothing but such a word. The account adds words, and takes away built-in ones."""
    if len(text) > _LONGEST:
        return None
    return _own(tuple(opt_out), tuple(opt_in), tuple(without)).get(normalised(text))
