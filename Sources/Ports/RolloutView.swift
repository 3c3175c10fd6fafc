// A rollout as people look at it: steps, shares, guardrails over time.
package import Primitives
package import Releases

package struct RolloutView: Codable, Sendable {
    /// Readings at one moment of a step.
    package struct Point: Codable, Sendable {
        /// On the policy's clock.
        package var clock: Instant
        /// Comparisons of the step by then.
        package var count: Int
        package var findings: [Finding]

        package init(clock: Instant, count: Int, findings: [Finding]) {
            self.clock = clock
            self.count = count
            self.findings = findings
        }
    }

    package struct Step: Codable, Sendable {
        package var index: Int
        /// `shadow`, `canary 5 %`, `live`.
        package var name: String
        package var share: Double
        /// When it began, on the wall clock; `nil` while it has not.
        package var began: Instant?
        /// The candidate's decisions that the next step needs, and those of them whose outcome could be known.
        package var needed: Int?
        package var matured: Int
        /// Requests compared, and requests that the candidate answered.
        package var compared: Int
        package var answered: Int
        /// On the policy's clock.
        package var deadline: Instant?
        /// At most sixty, evenly over the step's comparisons; the last is the newest.
        package var points: [Point]

        package init(
            index: Int, name: String, share: Double, began: Instant?, needed: Int?, matured: Int, compared: Int, answered: Int, deadline: Instant?, points: [Point]
        ) {
            self.index = index
            self.name = name
            self.share = share
            self.began = began
            self.needed = needed
            self.matured = matured
            self.compared = compared
            self.answered = answered
            self.deadline = deadline
            self.points = points
        }
    }

    package var release: ReleaseID
    /// The step that it is on, or was on when it ended.
    package var step: Int?
    /// What the controller makes of it now: "watching: 812 of 1500 decisions", "ready; a person must promote it".
    package var state: String
    package var paused: String?
    package var escalations: [String]
    package var steps: [Step]
    /// Decisions that the candidate answered before it was live.
    package var answered: Int
    /// When the decision was answered with which harm was plain, the last one that the candidate answered, and the time between; there after a rollback.
    package var breach: Instant?
    package var lastAnswered: Instant?
    package var breachToLastMilliseconds: Int64?

    package init(
        release: ReleaseID, step: Int?, state: String, paused: String?, escalations: [String], steps: [Step], answered: Int, breach: Instant?, lastAnswered: Instant?,
        breachToLastMilliseconds: Int64?
    ) {
        self.release = release
        self.step = step
        self.state = state
        self.paused = paused
        self.escalations = escalations
        self.steps = steps
        self.answered = answered
        self.breach = breach
        self.lastAnswered = lastAnswered
        self.breachToLastMilliseconds = breachToLastMilliseconds
    }
}
