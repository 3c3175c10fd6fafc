// Why an attempt of a stage gave nothing.
private import Primitives

/// What became of an attempt that published nothing. Kept apart, because they lead to different moves.
package enum FailureReason: Hashable, Sendable {
    /// The program ended with this code, which is not 0.
    case exited(code: Int)
    /// The program was ended by this signal, not by us.
    case signalled(Int)
    case timedOut(after: Duration)
    /// What was written does not follow its contract; the sentence names the first breach and no value.
    case contractBroken(SlotName, String)
    /// The program ended well without writing this output.
    case outputMissing(SlotName)
    /// This output, or what the stage wrote in all where it is `nil`, is larger than what is kept.
    case tooLarge(SlotName?)
    /// The stage could not be closed in, so it was not started.
    case sandboxUnavailable(String)
    /// Penstock could not do its part of it; the sentence says what and what to do.
    case notDone(String)
    /// Stopped because somebody asked.
    case cancelled

    /// Whether the same attempt could end otherwise: a program may find a better machine, but a wrong result stays wrong.
    package var mayPass: Bool {
        switch self {
        case .exited, .signalled, .timedOut, .sandboxUnavailable: true
        case .contractBroken, .outputMissing, .tooLarge, .notDone, .cancelled: false
        }
    }

    /// For people, without a full stop.
    package var sentence: String {
        switch self {
        case .exited(let code): "the program ended with code \(code)"
        case .signalled(let signal): "the program was ended by signal \(signal)"
        case .timedOut(let limit): "it did not end within \(limit.spelled)"
        case .contractBroken(let output, let sentence): "the output '\(output)' breaks its contract: \(sentence)"
        case .outputMissing(let output): "the program did not write the output '\(output)' to $\(StageVariable.output(output))"
        case .tooLarge(let output?): "the output '\(output)' is larger than what is kept"
        case .tooLarge(nil): "it said more than \(StageLimits.logBytes >> 20) MiB, or wrote a file of more than \(StageLimits.fileBytes >> 30) GiB; let it write less"
        case .sandboxUnavailable(let sentence): "the sandbox is not there: \(sentence)"
        case .notDone(let sentence): sentence
        case .cancelled: "it was stopped on request"
        }
    }
}

/// Frozen: a run's events hold it.
extension FailureReason: Codable {
    private struct Fields: Codable {
        enum Kind: String, Codable {
            case exited, signalled, cancelled
            case timedOut = "timed-out"
            case contractBroken = "contract-broken"
            case outputMissing = "output-missing"
            case tooLarge = "too-large"
            case sandboxUnavailable = "sandbox-unavailable"
            case notDone = "not-done"
        }

        var reason: Kind
        var code: Int?
        var milliseconds: Int64?
        var output: SlotName?
        var sentence: String?
    }

    package func encode(to encoder: any Encoder) throws {
        let fields: Fields =
            switch self {
            case .exited(let code): Fields(reason: .exited, code: code)
            case .signalled(let signal): Fields(reason: .signalled, code: signal)
            case .timedOut(let limit): Fields(reason: .timedOut, milliseconds: limit.wholeMilliseconds)
            case .contractBroken(let output, let sentence): Fields(reason: .contractBroken, output: output, sentence: sentence)
            case .outputMissing(let output): Fields(reason: .outputMissing, output: output)
            case .tooLarge(let output): Fields(reason: .tooLarge, output: output)
            case .sandboxUnavailable(let sentence): Fields(reason: .sandboxUnavailable, sentence: sentence)
            case .notDone(let sentence): Fields(reason: .notDone, sentence: sentence)
            case .cancelled: Fields(reason: .cancelled)
            }
        try fields.encode(to: encoder)
    }

    package init(from decoder: any Decoder) throws {
        let fields = try Fields(from: decoder)
        let reason: FailureReason? =
            switch (fields.reason, fields.code, fields.output, fields.sentence) {
            case (.exited, let code?, _, _): .exited(code: code)
            case (.signalled, let signal?, _, _): .signalled(signal)
            case (.timedOut, _, _, _): fields.milliseconds.map { .timedOut(after: .milliseconds($0)) }
            case (.contractBroken, _, let output?, let sentence?): .contractBroken(output, sentence)
            case (.outputMissing, _, let output?, _): .outputMissing(output)
            case (.tooLarge, _, let output, _): .tooLarge(output)
            case (.sandboxUnavailable, _, _, let sentence?): .sandboxUnavailable(sentence)
            case (.notDone, _, _, let sentence?): .notDone(sentence)
            case (.cancelled, _, _, _): .cancelled
            case (.exited, nil, _, _), (.signalled, nil, _, _), (.contractBroken, _, _, _), (.outputMissing, _, _, _), (.sandboxUnavailable, _, _, nil),
                (.notDone, _, _, nil):
                nil
            }
        guard let reason else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "'\(fields.reason.rawValue)' lacks what its kind says"))
        }
        self = reason
    }
}
