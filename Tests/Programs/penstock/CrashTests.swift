// The real node dies while a candidate runs in it: the champion is back at once, and the second death in a row is held against the candidate.
import Foundation
import Testing

extension ProgramTests {
    @Suite struct CrashTests {
        private static let decision = ServiceTexts.decision + "\nrecord: buffered\n"
        private static let policy = ServiceTexts.policy.replacing(
            "exposure: [{ live: true }]",
            with: """
                first_release: { criteria: [{ metric: auc, at_least: 0.8 }], exposure: [{ live: true }] }
                exposure: [{ shadow: 1.0, decisions: 100000, deadline: 2d }, { live: true }]
                guardrails: [{ signal: decision_flips, paired: true, harm: { more_than: 0.2 }, alpha: 0.01, then: rollback }]
                on_undecided: [pause, ask, abort]
                autonomy: { alone: [pause, rollback], needs_person: [promote] }
                """)

        @Test func promise8_aCandidateUnderWhichTheNodeIsKilledTwiceIsRolledBack() async throws {
            let installation = try OwnInstallation(decision: Self.decision, policy: Self.policy)
            defer { Processes.end(naming: installation.home) }
            try await installation.up()
            try await installation.live()
            try await installation.succeed("registry add --name flight-delay --model model.txt --contract service/contracts/training.yaml --data holdout.csv --key ada.key")
            let propose = "release propose flight-delay@1 --key ada.key --reason"
            try await installation.succeed(propose, ["first"] + RunningInstallation.files)
            try await installation.approve(1, until: "live")
            try installation.folder.write(Self.decision.replacing("at_least: 0.5", with: "at_least: 0.51"), to: "service/decision.yaml")
            try await installation.succeed(propose, ["a higher bar"] + RunningInstallation.files)
            try await installation.approve(2, until: "exposed")
            for _ in 0..<2 {
                try await installation.until("the node has the candidate") { try installation.nodeStatus().contains(#""plannedShare":"#) }
                #expect(installation.decide() != nil)
                kill(try installation.process("node-1"), SIGKILL)
                try await installation.up()
                try await installation.until("the champion answers") { installation.decide() != nil }
            }
            try await installation.until("it is rolled back") { try await installation.succeed("release show rebooking-offer-2 --output json").contains(#""phase":"rolled back""#) }
            #expect(try await installation.succeed("release show rebooking-offer-2 --output json").contains("died 2 times in a row while rebooking-offer-2 was a candidate"))
            #expect(try installation.nodeStatus().contains(#""release":"rebooking-offer-1""#))
            try await installation.succeed("down")
        }
    }
}
