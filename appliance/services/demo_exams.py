"""The demo's two exams, with questions of their own because no LMS stands behind them."""

from typing import Any, Final

from appliance.vocabulary import ExamMode

_RULES: Final[dict[str, Any]] = {
    "allow_to_use_paper": True,
    "allow_to_use_calculator": True,
    "custom_rules": "You may leave your seat only after telling the proctor in the chat.",
}

EXAMS: Final[dict[str, dict[str, Any]]] = {
    "online": {
        "name": "Introduction to Statistics",
        "mode": ExamMode.ONLINE,
        "duration_minutes": 10,
        "identification": "face_and_passport",
        "rules": _RULES,
        "questions": [
            {
                "text": "Seven measurements are 2, 3, 3, 5, 8, 9 and 12. What is their median?",
                "options": ["3", "5", "6", "8"],
            },
            {
                "text": "A fair coin fell heads five times in a row. How likely is heads at the next throw?",
                "options": ["Less than one half", "One half", "More than one half"],
            },
            {
                "text": "Which number says how far values lie from their mean, in the unit of the values?",
                "options": ["Variance", "Standard deviation", "Correlation", "Skewness"],
            },
            {
                "text": "Two variables have a correlation of 0.9. What follows?",
                "options": [
                    "One causes the other",
                    "They tend to grow together",
                    "A third variable causes both",
                    "Nine of ten values are equal",
                ],
            },
            {"text": "Explain in two or three sentences why a larger sample gives a narrower confidence interval."},
        ],
    },
    "auto": {
        "name": "Study Skills Self-Test",
        "mode": ExamMode.AUTO,
        "duration_minutes": 5,
        "identification": "face",
        "rules": {"allow_to_use_paper": True, "allow_to_use_calculator": True},
        "questions": [
            {
                "text": "Which way of learning holds longest, by most studies?",
                "options": ["Reading the text again", "Underlining", "Testing oneself after some days"],
            },
            {
                "text": "You quote another author's sentence word for word. What must the text show?",
                "options": ["Nothing", "The source", "Quotation marks and the source"],
            },
            {
                "text": "Which of these is a primary source on a battle?",
                "options": ["A soldier's letter written that week", "A textbook", "An encyclopaedia article"],
            },
            {"text": "Describe in one or two sentences how you plan the week before an exam."},
        ],
    },
}
"""``examId`` -> columns of ``Exam``."""
