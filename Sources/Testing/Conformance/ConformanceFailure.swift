// What a suite says when a store breaks a promise.

/// A sentence of a port's contract that does not hold for a store, and what was seen instead.
package struct ConformanceFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// As the port's comment has it.
    package var sentence: String
    package var seen: String

    package init(sentence: String, seen: String) {
        self.sentence = sentence
        self.seen = seen
    }

    package var description: String { "\"\(sentence)\" does not hold: \(seen)" }
}

/// Seen while a check ran; the suite adds the sentence.
struct Unmet: Error {
    var seen: String
}

func require(_ condition: Bool, _ seen: @autoclosure () -> String) throws {
    guard condition else { throw Unmet(seen: seen()) }
}

extension ConformanceFailure {
    /// Runs a check of one sentence. Whatever it throws, a store's own error too, is the sentence's failure.
    static func judge(_ sentence: String, _ check: () async throws -> Void) async throws(ConformanceFailure) {
        do { try await check() } catch let unmet as Unmet {
            throw ConformanceFailure(sentence: sentence, seen: unmet.seen)
        } catch {
            throw ConformanceFailure(sentence: sentence, seen: "an unexpected error: \(error)")
        }
    }
}
