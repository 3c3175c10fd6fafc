// What was decided, told by the control plane.
import ArgumentParser
import ControlPlaneClient
import Foundation
import Inference
import Ports
import Primitives

extension DecideCommand {
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tells one decision's whole story: input, score, rule, version, release, evidence, approvers, outcome.",
            discussion: "  penstock decide show 0f3c8a31e7b94d6ab1c2d3e4f5061728")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The decision's id, 32 hex digits.") var id: DecisionID

        func run() async throws {
            let view = try await connection.withClient { try await $0.decision(id) }
            output.show(view, columns: ["", ""], rows: Self.rows(view), empty: "")
        }

        private static func rows(_ view: DecisionView) -> [[String]] {
            var rows = [
                ["decision", "\(view.id) of \(view.service), \(view.time)"],
                ["answer", "\(view.decision), because \(view.reason)\(view.detail.map { ": \($0)" } ?? "")"],
                ["score", view.score.map { String(format: "%.4f", $0) } ?? "none"],
                ["rule", view.rule.joined(separator: ", ")],
                ["answered in", "\(view.latencyMicroseconds) us, before it was recorded"],
            ]
            rows += view.fields.enumerated().map { [$0 == 0 ? "input" : "", "\($1.column) = \($1.value)"] }
            rows.append(["entity", view.entity.map { "hash \($0), key \(view.key)" } ?? "none"])
            rows.append(["version", view.version ?? "none: the fallback"])
            rows.append(["release", "\(view.release.id), \(view.release.phase.rawValue), proposed by \(view.release.proposal.proposer): \(view.release.proposal.reason)"])
            rows += view.release.results.enumerated().map { [$0 == 0 ? "evidence" : "", "\($1.criterion): \($1.verdict.rawValue)"] }
            rows += view.release.approvals.enumerated().map { [$0 == 0 ? "approved by" : "", "\($1.person) as \($1.role), \($1.signed)"] }
            rows.append(["spec", view.spec.description])
            rows += view.outcomes.enumerated().map { index, told in
                [index == 0 ? "outcome" : "", "\(told.name) = \(told.value.words), \(told.at); told to \(told.node) at \(told.received)"]
            }
            if view.outcomes.isEmpty { rows.append(["outcome", "not told yet"]) }
            if view.truth == .contradicted { rows.append(["", "these contradict one another, so none is believed"]) }
            let place = view.place
            let span = "\(place.batch.first)-\(place.batch.last)"
            rows.append(["recorded", "entry \(place.sequence) of \(place.node); ledger entry \(place.ledgerEntry) commits to \(span), and it holds"])
            return rows
        }
    }

    struct Report: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sums up a service's decisions: referrals and answers a release, and how they turned out.",
            discussion: "  penstock decide report rebooking-offer --from 2026-11-24T00:00:00Z")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The decision service.") var service: ServiceName
        @Option(help: "Decisions from this instant on, RFC 3339. Default: all.") var from: Instant?
        @Option(help: "Decisions before this instant, RFC 3339. Default: all.") var to: Instant?

        func run() async throws {
            let report = try await connection.withClient { try await $0.report(service, from: from, to: to) }
            guard output.output == .table, !report.releases.isEmpty else {
                return output.show(report, columns: [], rows: [], empty: "No decision of \(service) is recorded in that time; nodes send theirs within seconds.")
            }
            let columns = [
                "release", "version", "decisions", "referred", "limited", "outcomes", "waiting", "missing", "repeated", "contradicted", "accuracy", "Brier", "p50 us", "p99 us",
            ]
            print(
                Terminal.table(
                    columns: columns,
                    rows: report.releases.map { release in
                        [
                            release.release.text, release.version ?? "fallback", String(release.decisions), String(release.referrals), String(release.limited),
                            String(release.joined),
                            String(release.waiting), String(release.missing), String(release.repeated), String(release.contradicted), Self.figure(release.accuracy),
                            Self.figure(release.brier), String(release.p50), String(release.p99),
                        ]
                    }))
            print("")
            print(
                Terminal.table(
                    columns: ["release", "decision", "decisions", "outcomes", report.outcome.map { "\($0) rate" } ?? "rate"],
                    rows: report.lines.map { [$0.release.text, $0.decision.text, String($0.decisions), String($0.joined), Self.figure($0.outcomeRate)] }))
            if report.isAffectedByDecision == true { print("\nDecisions of \(service) change their outcomes, so releases do not compare by them.") }
        }

        private static func figure(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "-" }
    }
}

extension DecisionID: ExpressibleByArgument {
    public init?(argument: String) { self.init(parsing: argument) }
}
