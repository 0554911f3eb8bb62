"""What the gateway says to people by itself, in their languages."""

from collections.abc import Mapping
from typing import Final

#: To somebody who pressed a button of no use: to choose again from the latest message.
STALE_BUTTON: Final[Mapping[str, str]] = {
    "ar": "هذا الزر لم يعد يعمل. يرجى الاختيار مرة أخرى من آخر رسالة.",
    "bg": "Този бутон вече не работи. Моля, изберете отново от последното съобщение.",
    "bs": "Ovo dugme više ne radi. Molimo odaberite ponovo iz posljednje poruke.",
    "cs": "Toto tlačítko už nefunguje. Vyberte prosím znovu z poslední zprávy.",
    "de": "Diese Taste gilt nicht mehr. Bitte wählen Sie in der letzten Nachricht noch einmal.",
    "el": "Αυτό το κουμπί δεν λειτουργεί πια. Επιλέξτε ξανά από το τελευταίο μήνυμα.",
    "en": "This button no longer works. Please choose again from the latest message.",
    "es": "Este botón ya no funciona. Elija de nuevo en el último mensaje, por favor.",
    "fr": "Ce bouton ne fonctionne plus. Veuillez choisir à nouveau dans le dernier message.",
    "he": "הכפתור הזה כבר אינו פעיל. נא לבחור שוב מההודעה האחרונה.",
    "hr": "Ova tipka više ne radi. Molimo odaberite ponovno u posljednjoj poruci.",
    "hu": "Ez a gomb már nem működik. Kérjük, válasszon újra a legutóbbi üzenetből.",
    "it": "Questo pulsante non funziona più. Scelga di nuovo dall'ultimo messaggio, per favore.",
    "mk": "Ова копче повеќе не работи. Ве молиме изберете повторно од последната порака.",
    "pl": "Ten przycisk już nie działa. Proszę wybrać ponownie w ostatniej wiadomości.",
    "pt": "Este botão já não funciona. Por favor, escolha novamente na última mensagem.",
    "ro": "Acest buton nu mai funcționează. Vă rugăm să alegeți din nou din ultimul mesaj.",
    "ru": "Эта кнопка больше не работает. Пожалуйста, выберите ещё раз в последнем сообщении.",
    "sk": "Toto tlačidlo už nefunguje. Vyberte prosím znova z poslednej správy.",
    "sl": "Ta gumb ne deluje več. Prosimo, izberite znova v zadnjem sporočilu.",
    "sr": "Ово дугме више не ради. Молимо изаберите поново у последњој поруци.",
    "tr": "Bu düğme artık çalışmıyor. Lütfen son mesajdan yeniden seçin.",
    "uk": "Ця кнопка більше не працює. Будь ласка, виберіть ще раз в останньому повідомленні.",
}
DEFAULT: Final = "en"


def in_language(phrase: Mapping[str, str], language: object) -> str:
    """A phrase in a language as telephones name them (`uk`, `pt-BR`); in English where it is not known."""
    word = language.replace("_", "-").split("-")[0].lower() if isinstance(language, str) else DEFAULT
    return phrase.get(word, phrase[DEFAULT])
