// What a run tells about itself, while it goes on and at its end.
package import Pipelines
internal import Primitives

package enum RunProgress: Sendable {
    /// With the layers that will be around its programs; the first is `none` when they see the whole machine.
    case began(RunID, sandbox: [String])
    case stageBegan(StageName, attempt: Int)
    /// Another attempt follows.
    case attemptFailed(StageName, attempt: Int, FailureReason)
    case stageEnded(StageReport)
}

package struct StageReport: Codable, Sendable {
    package enum Outcome: String, Codable, Sendable {
        case ran, reused, failed, skipped, cancelled
    }

    package var stage: StageName
    package var outcome: Outcome
    /// Why it ran or need not, or why it gave nothing; one sentence.
    package var why: String
    /// Why it ran, part by part; empty where it did not.
    package var reasons: [RerunReason] = []
    package var seconds: Double
    /// Rows that were checked against a contract, by output.
    package var rows: [SlotName: Int] = [:]
    package var outputs: [SlotName: ArtifactContent] = [:]
    /// What the stage said, when it was a program.
    package var log: String?

    package init(stage: StageName, outcome: Outcome, why: String, seconds: Double) {
        self.stage = stage
        self.outcome = outcome
        self.why = why
        self.seconds = seconds
    }
}

package struct RunReport: Codable, Sendable {
    package var run: RunID
    package var pipeline: PipelineName
    package var phase: RunPhase
    package var stages: [StageReport]

    package init(run: RunID, pipeline: PipelineName, phase: RunPhase, stages: [StageReport]) {
        self.run = run
        self.pipeline = pipeline
        self.phase = phase
        self.stages = stages
    }
}
