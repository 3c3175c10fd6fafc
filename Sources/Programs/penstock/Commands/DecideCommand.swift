// Asking a decision service.
import ArgumentParser
import Foundation
import Primitives

struct DecideCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decide", abstract: "Sends decision requests to a serving node, and tells what was decided.",
        discussion: "  penstock decide send rebooking-offer --file request.json\n  penstock decide report rebooking-offer",
        subcommands: [Send.self, Batch.self, Show.self, Report.self])

    struct Send: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends one request, and prints the answer.",
            discussion: "  penstock decide send rebooking-offer --row '{\"carrier\":\"UA\", …}'\n  penstock decide send rebooking-offer --file request.json")
        @OptionGroup var node: NodeOptions
        @Argument(help: "The decision service.") var service: ServiceName
        @Option(help: "The request as a JSON object.") var row: String?
        @Option(help: "A file with the request.") var file: String?

        func run() async throws {
            guard (row == nil) != (file == nil) else { throw Failure.badInput("give the request with --row or with --file") }
            let body = try row.map { Array($0.utf8) } ?? Files.read(file ?? "")
            let (status, answer) = try await node.withSender { try await $0.send(body, service: service) }
            if status >= 500 { throw Failure.unavailable("the node answered \(status): \(Refusal.message(answer))") }
            if status >= 400 { throw Failure.badInput("the node refused the request with \(status): \(Refusal.message(answer))") }
            print(Terminal.escaped(json: answer))
        }
    }

    struct Batch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sends a file of requests, one JSON object a line, and sums up the answers.",
            discussion: """
                  penstock decide batch rebooking-offer --file requests-2013-07-01.jsonl
                  penstock decide batch rebooking-offer --file requests.jsonl --answers answers.jsonl
                  penstock decide batch rebooking-offer --file requests.jsonl --connections 16 --rate 500

                With --answers, each answer becomes a line with the request's row, counted from 1, and the decision's id, so that outcomes find their decision. A line \
                is written when its answer has come.

                With --rate, requests are sent evenly, and one that an earlier answer held up is timed from when it was due.
                """)
        @OptionGroup var node: NodeOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The decision service.") var service: ServiceName
        @Option(help: "The requests, one JSON object a line.") var file: String
        @Option(help: "Requests under way at once.") var connections = 4
        @Option(help: "Requests a second; without it, as many as the node answers.") var rate: Double?
        @Option(help: "A new file for the answers' ids: one JSON object with row, decision_id and decision a line.") var answers: String?

        func run() async throws {
            guard (1...256).contains(connections) else { throw Failure.badInput("--connections takes 1 to 256") }
            if let rate, !(rate >= 0.001 && rate <= 1_000_000) { throw Failure.badInput("--rate takes 0.001 to 1000000 requests a second") }
            let rows = try Files.read(file, limit: 1 << 30).split(separator: UInt8(ascii: "\n")).map { Array($0) }
            guard !rows.isEmpty else { throw Failure.badInput("\(file) has no requests") }
            let ids = try answers.map { try AnswerFile($0) }
            let pace = BatchSummary.Pace(rate: rate)
            let summary = try await node.withSender {
                try await BatchSummary.collect(rows, service: service, connections: connections, pace: pace, sender: $0, answers: ids)
            }
            if output.output == .table {
                print("\(summary.requests) requests, \(summary.failed) failed; p50 \(milliseconds(summary.p50)) ms, p99 \(milliseconds(summary.p99)) ms")
            }
            output.show(
                summary, columns: ["release", "decision", "because", "answers"],
                rows: summary.answers.map { [$0.release, $0.decision, $0.because, String($0.count)] }, empty: "no answers")
            if summary.failed > 0 { throw Failure.no("\(summary.failed) of \(summary.requests) requests failed; first: \(summary.firstFailure ?? "")") }
        }

        private func milliseconds(_ value: Double) -> String { String(format: "%.2f", value) }
    }
}
