"""Findings in words for proctors: type -> what it means, how it is found, what it mistakes, what to look at.

English here; the Russian is in ``web/locale/ru/findings.po``. Thresholds and durations are not here: they are the
detectors' own and stand in ``defaults.json``, written by ``python -m media.detectors.document``.
"""

from typing import Final, NamedTuple

from appliance.vocabulary import TECHNICAL_TYPES, ObservationType

T = ObservationType


class Finding(NamedTuple):
    """What a proctor should know about one type of finding."""

    title: str
    meaning: str
    how: str
    mistakes: tuple[str, ...]
    """What else looks the same: typical false alarms."""
    check: str
    """What to look at before one believes it."""
    detectors: tuple[str, ...] = ()
    """Names in ``defaults.json``; none: a browser or the appliance tells it at once."""


CAMERA: Final[dict[ObservationType, Finding]] = {
    T.NO_USER_IN_FRAME: Finding(
        "Nobody in the frame",
        "The candidate's place before the camera is empty.",
        "No face is found, and the body that was under the last face is not there either. Who bends over paper or"
        " hides the face leaves the body behind: that is told as “could not tell”, not as an absence.",
        (
            "Leaning far out of the picture to pick something up.",
            "A camera that was turned or a laptop lid that was tilted.",
            "Clothes of the colour of the wall: then an absence may be told only as “could not tell”.",
        ),
        "Is the chair empty in both pictures? How long: a few seconds at the edge of the picture are not a walk.",
        ("absence",),
    ),
    T.EXTRA_USER_IN_FRAME: Finding(
        "Another person in the frame",
        "A second face is in the picture beside the candidate's.",
        "Two networks look for near and for distant faces; a second face counts only when the network that draws the"
        " face's points sees it too.",
        (
            "A face on a poster, a portrait, a television or a T-shirt.",
            "A reflection in a window, a mirror or glasses.",
            "Somebody who passes behind, in an office or at home.",
        ),
        "Find the second face in the picture. Does it move, does it look at the screen or speak with the candidate?"
        " People without a visible face (a back, a hand) are not found at all.",
        ("extra_person",),
    ),
    T.SUBSTITUTION_USER: Finding(
        "Another person took the place",
        "The face before the camera is farther from the check-in photo than faces of one person usually are.",
        "The face is compared when it appears and then at intervals. Only a picture that passes the quality gate"
        " (size, light, direction) is compared, and only the mean of three comparisons in a row is told.",
        (
            "A poor check-in photo: dark, turned, blurred. Then compare with the document yourself.",
            "Much changed looks: a beard, heavy make-up, a scarf, strong light from one side.",
            "Relatives look alike, and so may strangers: a match is no proof either.",
        ),
        "Put the check-in photo beside both pictures of the finding. Look at ears, brows and the distance of eyes and"
        " nose, not at hair and glasses. Ask for a new face photo when you are not sure.",
        ("impostor",),
    ),
    T.AVERT_EYES: Finding(
        "Looking away",
        "Head or eyes point away from the screen for longer than a glance takes.",
        "Head and irises are followed; away means: off the usual direction of this very candidate, or off the screen"
        " where the check-in included a calibration.",
        (
            "Thinking: many people look up or aside for seconds.",
            "Paper or a calculator that the exam allows, a second screen that is allowed.",
            "Glasses that mirror the screen, strongly drooping lids, a squint.",
        ),
        "Where do the eyes go, and always to the same place? One look away is no sign; the same corner again and"
        " again, followed by typing, may be one. Never conclude from this finding alone.",
        ("gaze",),
    ),
    T.PHONE: Finding(
        "Phone",
        "Something that looks like a phone is in the picture.",
        "Only where the exam asks for it, by a detector file that your organisation supplies; its hash stands in the"
        " finding.",
        (
            "A remote control, a wallet, a dark cup, a calculator, a hand held like a phone.",
            "A phone that lies there switched off.",
        ),
        "Is it a phone, and is it used? Most phones below the table are not seen: nothing found is no proof.",
        ("phone",),
    ),
    T.BOOKS: Finding(
        "Books or notes",
        "Something that looks like a book is in the picture.",
        "Only where the exam asks for it, by a detector file that your organisation supplies.",
        ("A shelf in the background, a folder, a tablet.", "Paper that the exam allows."),
        "Is it open, and does the candidate read in it?",
        ("books",),
    ),
    T.CAMERA_NO_PICTURE: Finding(
        "Camera without picture",
        "Nothing can be seen: the picture is black, of one colour, frozen, or does not arrive.",
        "Black or covered by brightness and contrast; frozen when a face does not change at all from picture to"
        " picture; missing when no picture comes.",
        (
            "A privacy shutter, a sleeping laptop, a bad connection.",
            "A camera that delivers less than two pictures a second can look frozen for a moment.",
        ),
        "It says nothing about the candidate. If it lasts or comes back at important moments, write to the candidate;"
        " look what the screen shows meanwhile.",
        ("picture_loss", "frozen_picture"),
    ),
}

SOUND: Final[dict[ObservationType, Finding]] = {
    T.VOICE_DETECTED: Finding(
        "Voice",
        "Somebody speaks, whoever it is.",
        "A network for speech hears the microphone. Keys, clicks, hum and fans are not speech.",
        (
            "A radio, a television, a loudspeaker, somebody in the next room.",
            "Reading the task aloud, which many people do.",
            "Quiet speech and whispering may be missed.",
        ),
        "Listen. Is it the candidate, is somebody answering, is it about the exam? Does the mouth move?",
        ("voice",),
    ),
    T.TALK: Finding(
        "Conversation",
        "There is a voice, and the candidate's mouth moves with it.",
        "The voice as above, and a mouth that moves more than it does without any voice.",
        (
            "Reading aloud, swearing, singing along.",
            "Chewing or grimacing while somebody else speaks.",
            "Who speaks behind a hand or a mask is not seen to speak.",
        ),
        "Listen for a second voice and for pauses in which somebody could answer.",
        ("talk",),
    ),
    T.MIC_NO_SOUND: Finding(
        "Microphone without sound",
        "The microphone gives nothing, not even the noise of a room.",
        "Exact silence, or no sound arriving, for a while.",
        ("A headset with its own mute key.", "Strong noise suppression in a very quiet room."),
        "It says nothing about the candidate. Ask whether the microphone is switched on.",
        ("microphone",),
    ),
    T.MIC_MUTED: Finding(
        "Microphone muted",
        "The operating system or the headset has muted the microphone.",
        "The candidate's browser tells it.",
        ("A mute key pressed by mistake.", "A call that took the microphone."),
        "It says nothing about the candidate. Ask to switch it on.",
    ),
    T.MIC_NO_DEVICE_CONNECTED: Finding(
        "No microphone",
        "The microphone is gone.",
        "The candidate's browser tells it.",
        ("A headset that was unplugged or whose battery is empty.",),
        "It says nothing about the candidate. Ask to connect it again.",
    ),
}

COMPUTER: Final[dict[ObservationType, Finding]] = {
    T.CHANGE_ACTIVE_WINDOW_ON_COMPUTER: Finding(
        "Active window changed",
        "Another window, tab or program was in front of the exam.",
        "The candidate's browser tells when the page loses the focus or is hidden.",
        (
            "A message of the operating system, an update, a battery warning.",
            "A click on the frame of the exam's own content.",
        ),
        "Look at the recording of the screen at that moment: it shows what was opened.",
    ),
    T.FULL_SCREEN_LEFT: Finding(
        "Full screen left",
        "The exam no longer fills the screen.",
        "The candidate's browser tells it.",
        ("The escape key pressed by mistake.", "A dialogue of the operating system."),
        "Look at the recording of the screen.",
    ),
    T.CLIPBOARD: Finding(
        "Clipboard used",
        "Something was copied or pasted.",
        "The candidate's browser tells it; what was copied is not read.",
        ("Moving one's own text about in an answer.",),
        "Look at the recording of the screen: what was marked, where was it put?",
    ),
    T.EXTRA_DISPLAY: Finding(
        "Second display",
        "More than one display is connected.",
        "The candidate's browser tells it, where it can; Firefox cannot.",
        ("A projector or a television that is connected but off.", "A docking station."),
        "Is only one screen shared, and do the eyes go to another?",
    ),
    T.VIRTUAL_MACHINE: Finding(
        "Virtual camera or machine",
        "The camera's name is that of a program which can play a film instead of a camera, or the camera changed.",
        "The candidate's browser tells the camera's name; such programs are known by theirs. Where an exam asks for"
        " it, a film that repeats itself is looked for, too.",
        (
            "Programs that blur the background or improve the light.",
            "A camera that was plugged in anew.",
        ),
        "It is a sign, no proof. Ask for a movement that a film cannot know: a hand before the face, a turn of the"
        " head.",
        ("looped_picture",),
    ),
    T.CAMERA_NO_DEVICE_CONNECTED: Finding(
        "No camera",
        "The camera is gone.",
        "The candidate's browser tells it.",
        ("A plug that slipped out, another program that took the camera.",),
        "It says nothing about the candidate. Ask to connect it again.",
    ),
    T.DESKTOP_REQUEST_PENDING: Finding(
        "Screen is not shared",
        "The candidate has not shared the screen again yet.",
        "The candidate's browser tells it.",
        ("The question of the browser was overlooked.",),
        "Write to the candidate what to press.",
    ),
}

UNDETERMINED: Final = Finding(
    "Could not be told",
    "The picture or the analysis did not allow a judgement. It is shown and counted, so that nobody takes silence for"
    " a clean record, and it never lowers the score.",
    "Each detector says when it cannot judge, and why; the reasons are below.",
    ("It is no accusation: bad light and a bent head are not violations.",),
    "Look at that stretch yourself: the software did not see what happened.",
    ("too_dark", "face_hidden", "identity_unclear"),
)

GROUPS: Final[dict[str, dict[ObservationType, Finding]]] = {
    "Seen by the camera": CAMERA,
    "Heard by the microphone": SOUND,
    "Told by the candidate's computer": COMPUTER,
    "When nothing could be judged": {T.UNDETERMINED: UNDETERMINED},
}

FINDINGS: Final[dict[ObservationType, Finding]] = {
    type_: finding for group in GROUPS.values() for type_, finding in group.items()
}

REASONS: Final[dict[str, tuple[str, str]]] = {
    "too_dark": ("Too dark", "So little light that faces cannot be told from noise. Ask for a lamp in front."),
    "face_hidden": (
        "Face hidden",
        "No face, but somebody sits there: bent over paper, a hand before the face, turned to the side.",
    ),
    "identity_unclear": (
        "Identity unclear",
        "The face is too small, too dark or too far turned to be compared, or its distance from the photo says"
        " neither yes nor no.",
    ),
    "analysis_interrupted": ("Analysis interrupted", "No worker looked at this stretch; another one took over."),
    "analysis_late": ("Analysis began late", "All workers were busy when the exam began."),
    "analysis_failed": ("Analysis failed", "The recording of this stretch could not be read."),
}
"""Reason of an ``undetermined`` -> title and meaning."""


def is_scored(type_: ObservationType) -> bool:
    """Whether findings of this type lower the trust score."""
    return type_ not in TECHNICAL_TYPES
