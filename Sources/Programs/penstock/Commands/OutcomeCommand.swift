// Telling a service what became of its decisions.
import ArgumentParser
import Decisions
import Foundation
import Primitives

struct OutcomeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outcome", abstract: "Tells what became true about decisions.",
        discussion: "  penstock outcome send rebooking-offer --file outcomes.jsonl", subcommands: [Send.self])

    struct Send: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends a file of outcomes to a serving node, which keeps them durably before it answers.",
            discussion: """
                One JSON object a line: {"decision_id": "0f3c…", "value": true, "at": "2013-07-01T12:00:00Z"}. Sending a line again is harmless; a line that contradicts an \
                earlier one is kept too, and then neither is believed.

                  penstock outcome send rebooking-offer --file outcomes.jsonl
                """)
        @OptionGroup var node: NodeOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The decision service.") var service: ServiceName
        @Option(help: "The outcomes, one JSON object a line.") var file: String

        func run() async throws {
            let lines = try Files.read(file, limit: 1 << 30).split(separator: UInt8(ascii: "\n")).enumerated().map { try line(Array($1), number: $0 + 1) }
            guard !lines.isEmpty else { throw Failure.badInput("\(file) has no outcomes") }
            let sent = try await node.withSender { sender in
                var sent = 0
                while sent < lines.count {
                    let (body, count) = Self.chunk(lines[sent...])
                    let (status, answer) = try await sender.post(body, to: "/v1/outcomes", type: "application/x-ndjson")
                    let done = "\(sent) of \(lines.count) outcomes were kept"
                    if status >= 500 { throw Failure.unavailable("the node answered \(status): \(Refusal.message(answer)); \(done)") }
                    if status >= 400 { throw Failure.badInput("the node refused outcomes after line \(sent) with \(status): \(Refusal.message(answer)); \(done)") }
                    sent += count
                }
                return sent
            }
            output.show(Kept(service: service, kept: sent), columns: ["service", "kept"], rows: [[service.text, String(sent)]], empty: "")
        }

        private struct Kept: Encodable {
            var service: ServiceName
            var kept: Int
        }

        /// Checked here, so that a mistake in line 20000 is told before line 1 is sent.
        private func line(_ bytes: [UInt8], number: Int) throws -> [UInt8] {
            struct Given: Decodable {
                var id: String
                var value: OutcomeRecord.Value
                var at: String

                private enum CodingKeys: String, CodingKey {
                    case value, at
                    case id = "decision_id"
                }
            }
            struct Sent: Encodable {
                var id: String
                var service: ServiceName
                var value: OutcomeRecord.Value
                var at: String

                private enum CodingKeys: String, CodingKey {
                    case service, value, at
                    case id = "decision_id"
                }
            }
            let given: Given
            do { given = try StrictJSON.decode(from: bytes) } catch { throw Failure.badInput("\(file), line \(number): \(StrictJSON.explain(error))") }
            let sent = StrictJSON.encode(Sent(id: given.id, service: service, value: given.value, at: given.at))
            do { _ = try sent.withUnsafeBytes { raw throws(RecordError) in try OutcomeSubmission.read(raw) } } catch {
                throw Failure.badInput("\(file), line \(number): \((error as? RecordError)?.message ?? "\(error)")")
            }
            return sent
        }

        /// As many as one request takes.
        private static func chunk(_ lines: ArraySlice<[UInt8]>) -> (body: [UInt8], count: Int) {
            var body: [UInt8] = []
            var count = 0
            for line in lines {
                guard count == 0 || (count < OutcomeSubmission.most && body.count + line.count < Limits.requestBytes) else { break }
                body += line + [UInt8(ascii: "\n")]
                count += 1
            }
            return (body, count)
        }
    }
}

extension OutcomeRecord.Value {
    var words: String {
        switch self {
        case .truth(let truth): String(truth)
        case .number(let number): String(number)
        }
    }
}
