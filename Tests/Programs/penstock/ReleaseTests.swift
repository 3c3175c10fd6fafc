// Proposals, answers and orders that a running control plane refuses.
import Foundation
import Testing

extension ProgramTests.RunningTests {
    @Suite struct ReleaseTests {
        private static let files = RunningInstallation.files

        private static func proposal(
            _ name: String, _ command: String = "flight-delay@1 --key ada.key", reason: String = "test", exits code: Int32 = 65, says: String..., files: [String: String] = [:]
        )
            -> Refusal
        {
            var refusal = Refusal(name, "release propose \(command) --reason", [reason] + Self.files, exits: code, says: "", files: files)
            refusal.says = says
            return refusal
        }

        static let proposals = [
            proposal("neither model nor fallback", "--key ada.key", says: "--fallback"),
            proposal("both", "flight-delay@1 --fallback --key ada.key", says: "--fallback"),
            proposal("a version that is not there", "flight-delay@9 --key ada.key", says: "flight-delay@9", "'penstock registry list'"),
            proposal("a model of another name", "late@1 --key ada.key", says: "late@1"),
            proposal("no reason", reason: "", says: "--reason"),
            proposal("no expected change", says: "--expected-change", files: ["service/policy.yaml": ServiceTexts.policy.replacing("[reason]", with: "[reason, expected_change]")]),
            proposal("an expectation without its signal", "flight-delay@1 --key ada.key --expect offer=+0.02", says: "'offer=+0.02'", "--expect rate.offer=+0.02"),
            proposal("an expectation without an amount", "flight-delay@1 --key ada.key --expect rate.offer", says: "'rate.offer'", "--expect rate.offer=+0.02"),
            proposal("an expectation of an outcome without a name", "flight-delay@1 --key ada.key --expect rate.=0.02", says: "'rate.=0.02'"),
            proposal("an expectation that is no number", "flight-delay@1 --key ada.key --expect rate.offer=more", says: "'more'", "rate.offer", "between -1 and 1"),
            proposal("an expectation of nothing", "flight-delay@1 --key ada.key --expect rate.offer=0", says: "'0'", "is not 0"),
            proposal("an expectation beyond all", "flight-delay@1 --key ada.key --expect rate.offer=1", says: "'1'", "between -1 and 1"),
            proposal("an expectation that is not finite", "flight-delay@1 --key ada.key --expect rate.offer=nan", says: "'nan'"),
            proposal("an expectation twice", "flight-delay@1 --key ada.key --expect rate.offer=0.02 --expect rate.offer=-0.02", says: "rate.offer is expected twice"),
            proposal("an expectation that no guardrail watches", "flight-delay@1 --key ada.key --expect rate.offer=+0.02", says: "rate.offer", "no guardrail of policy.yaml"),
            proposal("by who is no proposer", "flight-delay@1 --key ben.key", exits: 77, says: "ben is not a proposer", "'proposer'"),
            proposal("by nobody", "flight-delay@1 --key eve.key", exits: 77, says: "eve.key is the key of nobody", "ada, ben, cleo"),
            proposal(
                "a policy of another service", says: "'other'", "'rebooking-offer'",
                files: ["service/policy.yaml": ServiceTexts.policy.replacing("policy: rebooking-offer", with: "policy: other")]),
            proposal(
                "a decision with another model", says: "'late'", "flight-delay@1",
                files: ["service/decision.yaml": ServiceTexts.decision.replacing("model: flight-delay", with: "model: late")]),
            proposal(
                "an entity that is no column", says: "'aircraft'", "contracts/request.yaml",
                files: ["service/decision.yaml": ServiceTexts.decision.replacing("entity: tail_number", with: "entity: aircraft")]),
            proposal("a request that allows more", says: "weakens", "'distance'", "narrow it", "contracts/request.yaml", files: weak("maximum: 6000", "maximum: 9000")),
            proposal(
                "a request that allows nulls", says: "weakens", "'dep_delay'", "'required: true'",
                files: weak("dep_delay, logicalType: number, required: true", "dep_delay, logicalType: number")),
            proposal("a request without a feature", says: "weakens", "'dep_delay'", "omits it", files: weak(String(ServiceTexts.features.split(separator: "\n")[1]) + "\n", "")),
            proposal(
                "a feature of another type", says: "weakens", "'distance'",
                files: weak("distance, logicalType: number, required: true, logicalTypeOptions: { minimum: 0, maximum: 6000 }", "distance, logicalType: boolean, required: true")),
            proposal(
                "another service that has no fallback yet", says: "'penstock release propose --fallback'",
                files: [
                    "service/decision.yaml": ServiceTexts.decision.replacing("rebooking-offer", with: "upgrade"),
                    "service/policy.yaml": ServiceTexts.policy.replacing("rebooking-offer", with: "upgrade"),
                ]),
        ]

        @Test func namesOfOneCharacterAreNames() async throws {
            try await RunningInstallation.get().refuse(
                Refusal(
                    "", "release propose flight-delay@9 --key a --decision d --policy p --reason x", exits: 65, says: "flight-delay@9",
                    files: [
                        "a": String(decoding: try Workshop.folder().read("ada.key"), as: UTF8.self), "d": ServiceTexts.decision, "p": ServiceTexts.policy,
                        "contracts/request.yaml": ServiceTexts.request,
                    ]))
        }

        private static func weak(_ strong: String, _ weaker: String) -> [String: String] {
            ["service/contracts/request.yaml": ServiceTexts.request.replacing(strong, with: weaker)]
        }

        @Test(arguments: proposals) func aProposalThatCannotHoldIsNotTaken(_ refusal: Refusal) async throws { try await RunningInstallation.get().refuse(refusal) }

        static let answers = [
            Refusal("by the proposer", "release approve rebooking-offer-4 --role reviewer --key ada.key", exits: 77, says: "ada", "rebooking-offer-4", "somebody else must"),
            Refusal("in a role of another", "release approve rebooking-offer-4 --role risk-owner --key ben.key", exits: 77, says: "ben does not hold the role 'risk-owner'"),
            Refusal("in a role that is none", "release approve rebooking-offer-4 --role boss --key ben.key", exits: 77, says: "ben does not hold the role 'boss'"),
            Refusal("by nobody", "release approve rebooking-offer-4 --role reviewer --key eve.key", exits: 77, says: "eve.key is the key of nobody"),
            Refusal("of no release", "release approve rebooking-offer-99 --role reviewer --key ben.key", exits: 65, says: "rebooking-offer-99", "'penstock release list'"),
            Refusal("of one that was aborted", "release approve rebooking-offer-3 --role reviewer --key ben.key", exits: 65, says: "rebooking-offer-3 is aborted"),
            Refusal("of one that was rejected", "release approve rebooking-offer-2 --role reviewer --key ben.key", exits: 65, says: "rebooking-offer-2 is rejected"),
            Refusal("of one that was rolled back", "release approve rebooking-offer-1 --role reviewer --key ben.key", exits: 65, says: "rebooking-offer-1"),
            Refusal("a rejection without a reason", "release reject rebooking-offer-4 --role reviewer --key ben.key", exits: 65, says: "--reason"),
            Refusal("a name that is none", "release approve Rebooking! --role reviewer --key ben.key", exits: 64, says: "'Rebooking!'"),
            Refusal("a release to show that is not there", "release show rebooking-offer-99", exits: 65, says: "rebooking-offer-99", "'penstock release list'"),
            Refusal("a way back from the first", "release rollback rebooking-offer-0 --key cleo.key --reason x", exits: 65, says: "rebooking-offer-0"),
            Refusal(
                "a way back from what does not answer", "release rollback rebooking-offer-4 --key cleo.key --reason x", exits: 65, says: "rebooking-offer-4", "no warm predecessor"),
            Refusal("a way back from nothing", "release rollback rebooking-offer-99 --key cleo.key --reason x", exits: 65, says: "rebooking-offer-99", "'penstock release list'"),
            Refusal("an end of what answers", "release abort rebooking-offer-0 --key ada.key --reason x", exits: 65, says: "rebooking-offer-0"),
            Refusal("an order by nobody", "release abort rebooking-offer-4 --key eve.key --reason x", exits: 77, says: "eve.key is the key of nobody"),
        ]

        @Test(arguments: answers) func anAnswerThatDoesNotCountIsNotTaken(_ refusal: Refusal) async throws { try await RunningInstallation.get().refuse(refusal) }
    }
}
