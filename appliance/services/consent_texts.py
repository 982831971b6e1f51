# ruff: noqa: E501 - a paragraph of the text is one line, as it is hashed
"""The consent texts, in the words a candidate reads; a changed word is a new version."""

import hashlib
from dataclasses import dataclass
from typing import Final

from appliance.vocabulary import BiometricsMode

VERSION: Final = "2026-11-1"


@dataclass(frozen=True, slots=True)
class ConsentText:
    """One version in one language; ``hash`` is the SHA-256 of ``text`` in UTF-8, in hex."""

    version: str
    language: str
    text: str

    @property
    def hash(self) -> str:
        """Return what proves later which words were shown."""
        return hashlib.sha256(self.text.encode()).hexdigest()


_EN: Final = """\
This exam is supervised. Please read what that means before you decide.

What is recorded
• From the start of the exam to its end: the picture and sound of your camera and microphone, and everything that your whole screen shows. Close whatever you do not want recorded.
• Before the exam: a photo of your face and, if this exam asks for it, a photo of an identity document; the result of a check of your browser, camera, microphone, screen and connection.
• During the exam: that you left the exam's window or full screen, used the clipboard, or that a camera, microphone, screen or connection was lost; the chat; your answers, if the exam is shown by this page; your network address and browser version.

What is done with it
• Software looks at the camera's picture, and listens, for things such as an empty seat, a second person, another person, or a look away for long. It only makes notes for a person. It does not judge your emotions or your character.
• Biometric comparison: measurements of your face are taken from your photo and from the camera's picture, and compared with each other and with the photo in the document, only to tell whether the same person sits the exam. They are used for nothing else and given to nobody else.
• A score is computed from the notes. It is a proposal. A person whose name is recorded decides, and you may ask to have the decision explained and looked at again.

Who sees it
• Proctors and reviewers of the organisation that holds your exam, live or afterwards, and those who check their work. Each look at a recording is written to a log that cannot be changed unnoticed. Technical support sees the state of your connection, not your picture.
• Everything stays on this organisation's own server. It is encrypted, under a key made for your exam alone.

How long
• Until the result of the exam is final and the time for appeals is over, as your organisation has laid down; ask it for the exact date. Then the key is destroyed, and with it every copy, those in backups too. The record that the exam took place, and of who looked at it, remains.

Your rights
• You may see what is kept about you, have it corrected, and, where the law gives you that right, erased or given to you. You may withdraw your consent later: what follows is not recorded, and the exam is then held in another way.
• You may refuse now. Refusing has no penalty: nothing is recorded but your answer, and the organiser is told to offer you another way to take the exam.
"""

_RU: Final = """\
Этот экзамен проходит под наблюдением. Прочитайте, что это значит, прежде чем решать.

Что записывается
• От начала до конца экзамена: изображение и звук с вашей камеры и микрофона и всё, что видно на всём вашем экране. Закройте всё, что не должно попасть в запись.
• До экзамена: фотография лица и, если этого требует экзамен, фотография документа, удостоверяющего личность; результат проверки браузера, камеры, микрофона, экрана и связи.
• Во время экзамена: выход из окна экзамена или полноэкранного режима, использование буфера обмена, пропажа камеры, микрофона, экрана или связи; переписка в чате; ваши ответы, если экзамен показан на этой странице; сетевой адрес и версия браузера.

Что с этим делают
• Программа следит по изображению и звуку за тем, не пусто ли место, нет ли второго или другого человека, не отведён ли надолго взгляд. Она лишь делает пометки для человека и не оценивает ни ваших чувств, ни вашего характера.
• Биометрическое сравнение: по вашей фотографии и изображению камеры измеряются черты лица; они сравниваются между собой и с фотографией в документе только для того, чтобы установить, что экзамен сдаёт один и тот же человек. Ни для чего другого они не используются и никому не передаются.
• По пометкам вычисляется оценка доверия. Это только предложение. Решение принимает человек, имя которого записано; вы вправе попросить объяснить решение и пересмотреть его.

Кто это видит
• Прокторы и проверяющие организации, которая проводит экзамен, во время него или после, и те, кто проверяет их работу. Каждый просмотр записи заносится в журнал, который нельзя незаметно изменить. Техническая поддержка видит состояние связи, но не ваше изображение.
• Всё остаётся на собственном сервере этой организации в зашифрованном виде, под ключом, созданным только для вашего экзамена.

Как долго
• Пока результат экзамена не станет окончательным и не истечёт срок обжалования, установленный вашей организацией; точную дату спросите у неё. Затем ключ уничтожается, а с ним и каждая копия, в том числе резервная. Остаётся лишь запись о том, что экзамен состоялся и кто его просматривал.

Ваши права
• Вы вправе узнать, что о вас хранится, потребовать исправить это, а когда закон даёт такое право, удалить или передать вам. Согласие можно отозвать позже: дальнейшее не записывается, а экзамен проводится другим способом.
• Вы вправе отказаться сейчас. Отказ не влечёт никаких последствий: записывается только ваш ответ, а организатору сообщается, что вам нужно предложить другой способ сдать экзамен.
"""

_EN_CAMERA: Final = "• From the start of the exam to its end: the picture and sound of your camera and microphone, and everything that your whole screen shows. Close whatever you do not want recorded."
_EN_BEFORE: Final = "• Before the exam: a photo of your face and, if this exam asks for it, a photo of an identity document; the result of a check of your browser, camera, microphone, screen and connection."
_EN_BIOMETRICS: Final = "• Biometric comparison: measurements of your face are taken from your photo and from the camera's picture, and compared with each other and with the photo in the document, only to tell whether the same person sits the exam. They are used for nothing else and given to nobody else."
_RU_CAMERA: Final = "• От начала до конца экзамена: изображение и звук с вашей камеры и микрофона и всё, что видно на всём вашем экране. Закройте всё, что не должно попасть в запись."
_RU_BEFORE: Final = "• До экзамена: фотография лица и, если этого требует экзамен, фотография документа, удостоверяющего личность; результат проверки браузера, камеры, микрофона, экрана и связи."
_RU_BIOMETRICS: Final = "• Биометрическое сравнение: по вашей фотографии и изображению камеры измеряются черты лица; они сравниваются между собой и с фотографией в документе только для того, чтобы установить, что экзамен сдаёт один и тот же человек. Ни для чего другого они не используются и никому не передаются."

OTHER_PARAGRAPHS: Final[dict[BiometricsMode, dict[str, dict[str, str]]]] = {
    BiometricsMode.ON_DEVICE: {
        "en": {
            _EN_CAMERA: "• From the start of the exam to its end: everything that your whole screen shows. Close whatever you do not want recorded. Camera and microphone stay on this computer: your browser looks and listens itself, and nothing of the picture or the sound is sent or kept.",
            _EN_BEFORE: "• Before the exam: your browser takes a photo of your face and, if this exam asks for it, of an identity document. The photos stay on this computer; what is sent is whether they are good enough and whether the faces are alike. Also the result of a check of your browser, camera, microphone, screen and connection.",
            _EN_BIOMETRICS: "• Biometric comparison: measurements of your face are taken by your own browser, on this computer, and compared there, only to tell whether the same person sits the exam. They are kept in this browser until the exam ends, then deleted. The server gets the outcome and a figure of likeness, never the measurements.",
        },
        "ru": {
            _RU_CAMERA: "• От начала до конца экзамена: всё, что видно на всём вашем экране. Закройте всё, что не должно попасть в запись. Камера и микрофон остаются на этом компьютере: смотрит и слушает сам ваш браузер, ни изображение, ни звук не передаются и не сохраняются.",
            _RU_BEFORE: "• До экзамена: ваш браузер делает фотографию лица и, если этого требует экзамен, документа, удостоверяющего личность. Фотографии остаются на этом компьютере; передаётся лишь, годятся ли они и похожи ли лица. Также результат проверки браузера, камеры, микрофона, экрана и связи.",
            _RU_BIOMETRICS: "• Биометрическое сравнение: черты лица измеряет ваш собственный браузер на этом компьютере и там же сравнивает их только для того, чтобы установить, что экзамен сдаёт один и тот же человек. Они хранятся в этом браузере до конца экзамена и затем удаляются. Сервер получает итог и число, выражающее сходство, но не сами измерения.",
        },
    },
    BiometricsMode.NONE: {
        "en": {
            _EN_BIOMETRICS: "• There is no biometric comparison: no measurements of your face are taken to recognise you. A person may look at your photo."
        },
        "ru": {
            _RU_BIOMETRICS: "• Биометрического сравнения нет: черты вашего лица не измеряются, чтобы узнать вас. Вашу фотографию может посмотреть человек."
        },
    },
}
"""What is said otherwise where faces are not measured by the appliance: paragraph -> what stands in its place."""

DEFAULT_LANGUAGE: Final = "en"

CONSENT_TEXTS: Final[dict[str, ConsentText]] = {
    language: ConsentText(VERSION, language, text) for language, text in {"en": _EN, "ru": _RU}.items()
}


def consent_text(language: str, mode: BiometricsMode = BiometricsMode.SERVER) -> ConsentText:
    """Return the text in this language, or in English where there is none, for where faces are measured."""
    text = CONSENT_TEXTS.get(language.lower()[:2], CONSENT_TEXTS[DEFAULT_LANGUAGE])
    if mode not in OTHER_PARAGRAPHS:
        return text
    words = text.text
    for paragraph, other in OTHER_PARAGRAPHS[mode][text.language].items():
        words = words.replace(paragraph, other)
    return ConsentText(f"{text.version}-{mode}", text.language, words)
