// Measures a model with the serving runtime, in a process of its own that is thrown away afterwards.
package import Primitives

package struct ModelProbeError: Error, Sendable, CustomStringConvertible {
    /// One sentence: what could not be measured and why.
    package var message: String

    package init(_ message: String) { self.message = message }
    package var description: String { message }
}

/// What to measure. All digests are in the artifact store.
package struct ProbeSubject: Hashable, Sendable, Codable {
    package var artifact: Digest
    package var format: String
    package var contract: Digest

    package init(artifact: Digest, format: String, contract: Digest) {
        self.artifact = artifact
        self.format = format
        self.contract = contract
    }
}

package struct EvaluationOutcome: Hashable, Sendable, Codable {
    package var label: String
    package var rows: Int
    package var metrics: [String: Double]
    /// By column and value; values of fewer rows than asked for are measured together as `other`.
    package var slices: [String: [String: [String: Double]]]
    package var runtime: String
    package var sandbox: [String]

    package init(
        label: String, rows: Int, metrics: [String: Double], slices: [String: [String: [String: Double]]] = [:], runtime: String, sandbox: [String]
    ) {
        self.label = label
        self.rows = rows
        self.metrics = metrics
        self.slices = slices
        self.runtime = runtime
        self.sandbox = sandbox
    }
}

package struct RehearsalOutcome: Hashable, Sendable, Codable {
    /// From the order to go back to the first answer of the predecessor.
    package var milliseconds: Double
    package var answers: Int

    package init(milliseconds: Double, answers: Int) {
        self.milliseconds = milliseconds
        self.answers = answers
    }
}

/// A model file is data from outside: its first load happens here and never in the control plane or on a node that serves.
package protocol ModelProbe: Sendable {
    /// Scores every row of a stored CSV file that follows the contract and has its label. Each slice is a string or boolean column of the contract.
    func evaluate(_ subject: ProbeSubject, dataset: Digest, slices: [String], minimum: Int) async throws(ModelProbeError) -> EvaluationOutcome
    /// Puts the candidate in the predecessor's place and takes it back; `nil` is the fallback, which has no model.
    func rehearse(candidate: ProbeSubject?, predecessor: ProbeSubject?) async throws(ModelProbeError) -> RehearsalOutcome
}

extension ModelProbe {
    package func evaluate(_ subject: ProbeSubject, dataset: Digest) async throws(ModelProbeError) -> EvaluationOutcome {
        try await evaluate(subject, dataset: dataset, slices: [], minimum: 1)
    }
}
