/** @file The shapes the server sends to the candidate's page (docs/contracts.md). Types only. */

/**
 * @typedef {"created" | "scheduled" | "check_in" | "waiting" | "running" | "paused" | "finished" | "processing" | "in_review" | "concluded"
 *   | "declined" | "cancelled" | "identity_refused" | "timed_out" | "interrupted" | "expired"} SittingState
 */
/** @typedef {"consent" | "system_check" | "face_photo" | "document_photo" | "liveness" | "gaze_calibration" | "waiting_room"} Step */
/** @typedef {"face" | "document"} PhotoKind */
/** @typedef {"camera" | "screen"} TrackName */
/**
 * @typedef {object} Summary
 * @property {number} id
 * @property {SittingState} state
 * @property {Step} step
 * @property {string} mode
 * @property {{name: string, external_id: string, email: string}} candidate
 * @property {number | null} deadline_ms
 * @property {number | null} started_ms
 * @property {number | null} finished_ms
 * @property {string | null} finished_by
 * @property {number} extra_ms
 */
/** @typedef {{text: string, options?: string[], multiple?: boolean}} Question */
/** @typedef {string | number | number[] | null} Answer */
/**
 * @typedef {object} Exam
 * @property {string} name
 * @property {string} mode
 * @property {number} duration_minutes
 * @property {string} content_url
 * @property {Question[]} questions
 * @property {"skip" | "face" | "passport" | "face_and_passport"} identification
 * @property {string} custom_rules
 * @property {"server" | "on_device" | "none"} biometrics on_device: camera, microphone and photos stay in this browser
 */
/** @typedef {{id: number, author: "candidate" | "proctor" | "system", kind: "message" | "incident", name: string, text: string, at_ms: number, ref: string, pending?: boolean}} Message */
/** @typedef {{id: number, type: string, comment: string, start_ms: number, sent_ms: number | null, seen_ms: number | null, withdrawn_ms?: number | null, by_rule?: boolean}} Incident */
/** @typedef {{id?: number, state: string | null, verdict?: string | null, hints: string[]}} Photo */
/** @typedef {{index: number, ms: number, movement?: string, x?: number, y?: number}} ChallengeStep */
/**
 * @typedef {object} Challenge
 * @property {number | null} id
 * @property {"new" | "open" | "judging" | "passed" | "failed" | "undetermined" | "person_asked" | "skipped" | "abandoned"} state
 * @property {ChallengeStep | null} step the one to show now
 * @property {number} steps
 * @property {string[]} reasons
 * @property {string[]} missed movements that were not seen
 * @property {number} failed tries that were not passed
 * @property {number} tries_left
 * @property {boolean} may_skip
 * @property {boolean} done
 */
/**
 * @typedef {object} State what GET /api/v1/sitting tells
 * @property {Summary} sitting
 * @property {Step} step
 * @property {string} csrf
 * @property {string} language
 * @property {number} server_ms
 * @property {{version: string, text: string}} consent
 * @property {Record<string, unknown>} rules
 * @property {Exam} exam
 * @property {RTCIceServer[]} ice_servers
 * @property {Incident[]} warnings
 * @property {Message[]} messages
 * @property {Record<PhotoKind, Photo | null>} photos
 * @property {string} [paused_for] `identity_photo`: a new photo of the face that matches ends the pause
 * @property {Partial<Record<"liveness" | "gaze_calibration", Challenge>>} [challenges] those the exam asks for
 * @property {Record<string, Record<string, any>>} [detection] the exam's own wishes, told only where the analysis runs here
 * @property {Record<string, Answer>} answers
 * @property {string} support_email
 * @property {import("../conversation/talk.js").Conversation[]} [conversations] open ones the candidate is asked into
 */
/** @typedef {{seq: number, kind: string, payload: Record<string, any>, at_ms: number}} BusEvent */
/** @typedef {{element: HTMLElement, update?: () => void, destroy?: () => void}} View */

export {};
