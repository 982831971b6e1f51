/**
 * @file Shapes of what the server sends to the staff's pages; the contract is docs/contracts.md.
 * Fields that end in `_ms` are UTC milliseconds of the server.
 *
 * @typedef {"camera" | "screen"} Track
 * @typedef {"live" | "lost" | "none" | "stays"} TrackState stays: of a camera that is never sent
 * @typedef {"pending" | "confirmed" | "dismissed"} Decision
 * @typedef {"created" | "scheduled" | "check_in" | "waiting" | "running" | "paused" | "finished" | "processing"
 *   | "in_review" | "concluded" | "declined" | "cancelled" | "identity_refused" | "timed_out" | "interrupted"
 *   | "expired"} SittingState
 *
 * @typedef {object} Candidate
 * @property {string} name
 * @property {string} external_id
 * @property {string} [email]
 *
 * @typedef {object} Summary
 * @property {number} id
 * @property {SittingState} state
 * @property {string} step
 * @property {string} mode
 * @property {{id?: number, name: string, thresholds?: Record<string, number>, weights?: Record<string, number>}} exam
 * @property {Candidate} candidate
 * @property {{id: number, name: string} | null} proctor
 * @property {number | null} deadline_ms
 * @property {number | null} started_ms
 * @property {number} created_ms
 * @property {number} extra_ms
 * @property {number} duration_minutes
 * @property {string} external_id
 * @property {number | null} finished_ms
 * @property {string | null} finished_by
 * @property {number | null} score
 * @property {string | null} conclusion
 * @property {boolean} online
 *
 * @typedef {object} Observation
 * @property {number} id
 * @property {number} sitting_id
 * @property {string} type
 * @property {string} source
 * @property {number} start_ms
 * @property {number | null} end_ms
 * @property {number} confidence
 * @property {string} detector
 * @property {Decision} decision
 * @property {string | null} decided_by name
 * @property {Record<string, unknown>} details
 * @property {boolean} technical
 * @property {{number: number, at_ms: number}[]} pictures
 *
 * @typedef {object} Incident
 * @property {number} id
 * @property {number} sitting_id
 * @property {number | null} observation_id
 * @property {string} type
 * @property {number} start_ms
 * @property {number | null} end_ms
 * @property {string} comment
 * @property {string | null} created_by name
 * @property {number | null} sent_ms
 * @property {number | null} seen_ms
 * @property {number | null} [withdrawn_ms]
 *
 * @typedef {object} Message
 * @property {number} id
 * @property {number} sitting_id
 * @property {"candidate" | "proctor" | "system"} author
 * @property {"message" | "incident"} kind
 * @property {string} name
 * @property {string} text
 * @property {number} at_ms
 * @property {string} ref
 *
 * @typedef {object} Photo
 * @property {number} id
 * @property {"face" | "document"} kind
 * @property {"submitted" | "retake_requested" | "superseded"} state
 * @property {"uploaded" | "on_device"} [source] on_device: there is no picture here, only what the candidate's browser says
 * @property {"match" | "mismatch" | "undetermined" | null} verdict
 * @property {string[]} hints
 * @property {{name_verdict: "match" | "mismatch" | "undetermined", expired: boolean | null, readable: boolean} | null} [document] once it was read
 * @property {number | null} [distance]
 * @property {number} [taken_ms]
 *
 * @typedef {object} QuickMessage
 * @property {string} code
 * @property {string} text
 *
 * @typedef {object} Part
 * @property {number} id
 * @property {Track} track
 * @property {"node" | "candidate"} source who recorded it
 * @property {{sha256: string, handed_in_ms: number, segments: number} | null} supplied what the candidate's browser handed in
 * @property {number} start_ms
 * @property {number | null} end_ms
 * @property {number | null} duration_ms
 * @property {"recording" | "stopped" | "sealed" | "lost"} state
 * @property {string | null} url null until it is sealed
 * @property {string} sha256
 * @property {number | null} size_bytes
 *
 * @typedef {object} Gap
 * @property {Track} track
 * @property {number} start_ms
 * @property {number | null} end_ms
 * @property {string} cause
 * @property {string} detail
 * @property {number | null} covered_by id of the candidate-supplied part that shows it
 *
 * @typedef {object} LostPoints
 * @property {string} metric
 * @property {string} [label_key] name of the weight
 * @property {number} mean
 * @property {number} weight
 * @property {number} points
 *
 * @typedef {{value: number, explanation: LostPoints[], computed_ms: number}} Score
 *
 * @typedef {object} Timeline
 * @property {Summary} sitting
 * @property {number} start_ms
 * @property {number} end_ms
 * @property {Part[]} parts
 * @property {Gap[]} gaps
 * @property {{track: Track, state: "receiving" | "complete" | "taken" | "refused", start_ms: number, end_ms: number, size_bytes: number, sha256: string, reason: string, begun_ms: number}[]} hand_ins
 * @property {Observation[]} observations
 * @property {Incident[]} incidents
 * @property {Message[]} messages
 * @property {Record<string, number[]>} metrics
 * @property {Score | null} score
 * @property {Record<string, number>} thresholds
 * @property {Photo[]} photos
 * @property {import("./challenges.js").Challenge[]} challenges tries of the check-in, oldest first
 * @property {{accepted: boolean, version: string, hash?: string, language?: string, answered_ms: number} | null} consent
 * @property {{passed: boolean, results: Record<string, any>, client: Record<string, any>, checked_ms: number} | null} system_check
 * @property {{conclusion: string, comment: string, by: string, at_ms: number} | null} conclusion
 * @property {string} [finish_comment]
 * @property {Record<string, unknown>} [rules]
 */

/**
 * @typedef {object} Export
 * @property {number} id
 * @property {number} sitting_id
 * @property {"waiting" | "working" | "ready" | "failed" | "deleted"} state
 * @property {string[]} contents
 * @property {"webm" | "mp4"} container
 * @property {boolean} with_records
 * @property {string} requested_by name
 * @property {number} requested_ms
 * @property {number} progress 0 to 1
 * @property {string} problem why it failed
 * @property {number | null} made_ms
 * @property {number | null} expires_ms
 * @property {number | null} size_bytes
 * @property {string | null} url null until it is ready
 * @property {{name: string, size: number}[]} files
 */

export {};
