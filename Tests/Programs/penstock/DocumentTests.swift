// Users' files that cannot be taken, each refused with its name and line before anything is sent.
import Foundation
import Testing

extension ProgramTests {
    @Suite struct DocumentTests {
        private static let folder = "service/"

        private static func contract(_ name: String, _ text: String, line: Int, says: String...) -> Refusal {
            var refusal = Refusal(
                name, "registry add --home home --name flight-delay --model model.txt --contract bad.yaml --key ada.key", exits: 65, says: "", files: ["bad.yaml": text])
            refusal.says = ["bad.yaml:\(line): "] + says
            return refusal
        }

        private static let training = ServiceTexts.training

        static let contracts = [
            contract("an unknown key", training + "owner: ada\n", line: 11, says: "'owner'", "known here"),
            contract("a key misspelled", training.replacing("version: 1", with: "verson: 1"), line: 4, says: "'version'"),
            contract("an unknown key of a column", training.replacing("{ name: late,", with: "{ name: late, colour: red,"), line: 10, says: "'colour'"),
            contract(
                "a wrong type", training.replacing("required: true, logicalTypeOptions: { minimum: 0", with: "required: often, logicalTypeOptions: { minimum: 0"), line: 8,
                says: "'often'"),
            contract("text for a number", training.replacing("minimum: -60", with: "minimum: low"), line: 9, says: "'low'"),
            contract("a list for a map", "- apiVersion: v3.1.0\n", line: 1, says: "list"),
            contract("an unknown logical type", training.replacing("logicalType: boolean", with: "logicalType: truth"), line: 10, says: "'truth'"),
            contract("an anchor", training.replacing("id: flights", with: "id: &name flights"), line: 3, says: "anchors and aliases", "write the value out"),
            contract("an alias", training.replacing("version: 1.0.0", with: "version: *name"), line: 4, says: "anchors and aliases"),
            contract("an anchor and its alias", training.replacing("id: flights\nversion: 1.0.0", with: "id: &name flights\nversion: *name"), line: 3, says: "anchors and aliases"),
            contract("a merge key", training.replacing("id: flights", with: "<<: { id: flights }"), line: 3, says: "merge keys"),
            contract("a tag", training.replacing("id: flights", with: "id: !!str flights"), line: 3, says: "tags"),
            contract("a tab", training.replacing("    properties:", with: "\tproperties:"), line: 7, says: "not valid YAML"),
            contract("a key twice", training.replacing("id: flights", with: "id: flights\nid: other"), line: 3, says: "'id' stands twice"),
            contract("a column twice", training.replacing("{ name: late,", with: "{ name: distance,"), line: 10, says: "'distance' stands twice"),
            contract("a second document", training + "---\nkind: DataContract\n", line: 11, says: "a file holds one"),
            contract("quotes that do not end", "kind: \"DataContract\n", line: 2, says: "not valid YAML"),
            contract("a list as a key", "[a, b]: 1\n", line: 1, says: "a key must be text"),
            contract("a key that is not built", training + "    quality: []\n", line: 11, says: "'quality' is not built yet"),
            contract("nothing", "", line: 0, says: "empty"),
        ].map(withoutLineZero)

        /// A file as a whole has no line.
        private static func withoutLineZero(_ refusal: Refusal) -> Refusal {
            var refusal = refusal
            refusal.says = refusal.says.map { $0.replacing("bad.yaml:0: ", with: "bad.yaml: ") }
            return refusal
        }

        @Test(arguments: contracts) func aContractIsTakenAsAWholeOrNamedByLine(_ refusal: Refusal) async throws { try await refusal.check(in: Workshop.folder()) }

        private static let add = "registry add --home home --name flight-delay --key ada.key"

        static let models = [
            Refusal(
                "no feature columns", "\(add) --model model.txt --contract bad.yaml", exits: 65, says: "no column of the role feature", "penstock.role",
                files: ["bad.yaml": unfeatured]),
            Refusal("a contract that is missing", "\(add) --model model.txt --contract nowhere.yaml", exits: 66, says: "nowhere.yaml", "check the name"),
            Refusal("a contract that is a folder", "\(add) --model model.txt --contract service", exits: 66, says: "service"),
            Refusal(
                "a contract of a megabyte", "\(add) --model model.txt --contract bad.yaml", exits: 65, says: "bad.yaml", "262144 bytes",
                files: ["bad.yaml": String(repeating: "#", count: 1 << 20)]),
            Refusal("a model that is missing", "\(add) --model nowhere.txt --contract service/contracts/training.yaml", exits: 66, says: "nowhere.txt", "check the name"),
            Refusal("a model that is a folder", "\(add) --model service --contract service/contracts/training.yaml", exits: 66, says: "service"),
            Refusal(
                "a model that is a table", "\(add) --model holdout.csv --contract service/contracts/training.yaml", exits: 65, says: "holdout.csv", "not a LightGBM model",
                "save_model"),
            Refusal(
                "a model that is empty", "\(add) --model bad.txt --contract service/contracts/training.yaml", exits: 65, says: "bad.txt", "not a LightGBM model",
                files: ["bad.txt": ""]),
            Refusal("a format that is not built", "\(add) --model model.txt --format onnx --contract service/contracts/training.yaml", exits: 65, says: "onnx", "lightgbm"),
            Refusal("a model of other columns", "\(add) --model model.txt --contract bad.yaml", exits: 65, says: "model.txt", "2 features", files: ["bad.yaml": oneFeature]),
            Refusal("rows that are missing", "\(add) --model model.txt --contract service/contracts/training.yaml --data nowhere.csv", exits: 66, says: "nowhere.csv"),
            Refusal(
                "somebody else's key", "registry add --home home --name flight-delay --key eve.key --model model.txt --contract service/contracts/training.yaml", exits: 77,
                says: "eve.key is the key of nobody", "ada, ben, cleo"),
            Refusal(
                "a key that is missing", "registry add --home home --name flight-delay --key dan.key --model model.txt --contract service/contracts/training.yaml", exits: 66,
                says: "dan.key"),
            Refusal(
                "a public key", "registry add --home home --name flight-delay --key ada.pub --model model.txt --contract service/contracts/training.yaml", exits: 65,
                says: "ada.pub"),
        ]

        private static let unfeatured = training.replacing("value: feature", with: "value: none")
        private static let oneFeature = training.replacing(ServiceTexts.features.split(separator: "\n")[1] + "\n", with: "")

        @Test(arguments: models) func aModelIsTakenOnlyWithAContractThatItCanServe(_ refusal: Refusal) async throws { try await refusal.check(in: Workshop.folder()) }

        @Test func aModelCutShortAnywhereIsRefused() async throws {
            let folder = try Workshop.folder()
            let whole = try folder.read("model.txt")
            let end = try #require(String(decoding: whole, as: UTF8.self).firstRange(of: "end of parameters"))
            let last = String(decoding: whole, as: UTF8.self)[..<end.lowerBound].utf8.count
            var random = Seeded(13)
            for length in [1, last] + (0..<14).map({ _ in random.below(last) }) {
                try folder.write(Array(whole[..<length]), to: "cut.txt")
                try await Refusal("\(length) bytes", "\(Self.add) --model cut.txt --contract service/contracts/training.yaml", exits: 65, says: "cut.txt", "not a LightGBM model")
                    .check(in: folder)
            }
        }

        private static func service(_ name: String, _ file: String, _ text: String, line: Int, says: String...) -> Refusal {
            var refusal = Refusal(
                name, "release propose --home home --fallback --key ada.key --reason test --decision service/decision.yaml --policy service/policy.yaml", exits: 65, says: "",
                files: [folder + file: text])
            refusal.says = ["\(folder)\(file):\(line): "] + says
            return refusal
        }

        private static let unbuilt = ["signals: {}"].map {
            service("the policy's \($0)", "policy.yaml", ServiceTexts.policy + "\n" + $0, line: 8, says: "'\($0.prefix { $0 != ":" })' is not built yet", "leave it out")
        }
        private static let rollout = [
            ("guardrails: []", "guardrails watch shadow and canary steps"), ("on_undecided: [pause]", "guardrails watch shadow and canary steps"),
            ("autonomy: {}", "'pause' lowers exposure"), ("escalate: {}", "'to' is missing"), ("first_release: {}", "'criteria' is missing"),
        ].map { key, says in service("the policy's \(key)", "policy.yaml", ServiceTexts.policy + "\n" + key, line: 8, says: says) }
        private static let unbuiltEvidence = ["known_decisions", "scenarios", "parity", "operational", "reproduction"].map {
            service("the evidence \($0)", "policy.yaml", ServiceTexts.policy.replacing("evidence:\n", with: "evidence:\n  \($0): {}\n"), line: 4, says: "'\($0)' is not built yet")
        }
        private static let steps = [
            ("shadow: 1.0, decisions: 2000", "'deadline' is missing"), ("canary: 0.05", "'decisions' is missing"), ("canary: 0.05, decisions: 9, deadline: 2d", "live: true"),
        ].map { step, says in
            service("the step \(step)", "policy.yaml", ServiceTexts.policy.replacing("{ live: true }", with: "{ \(step) }"), line: 7, says: says)
        }
        /// The outcome's contract is a file beside, with a column that can be compared with decisions.
        private static let outcomes = [("contracts/nowhere.yaml", 66, "nowhere.yaml"), ("contracts/training.yaml", 65, "no column 'delayed'")].map { contract, code, says in
            let outcome = "\nrecord: durable\noutcome: { name: delayed, contract: \(contract), matures_after: 1d, affected_by_decision: false }"
            return Refusal(
                "an outcome by \(contract)", "release propose --home home --fallback --key ada.key --reason test --decision service/decision.yaml --policy service/policy.yaml",
                exits: Int32(code), says: says, files: ["service/decision.yaml": ServiceTexts.decision + outcome])
        }

        private static let unbuiltDecisions = ["reasons: {}"].map {
            service("the decision's \($0)", "decision.yaml", ServiceTexts.decision + "\n" + $0, line: 9, says: "'\($0.prefix { $0 != ":" })' is not built yet")
        }

        static let services =
            unbuilt + rollout + unbuiltEvidence + steps + unbuiltDecisions + outcomes + [
                service("another clock", "policy.yaml", ServiceTexts.policy + "\nclock: sundial", line: 8, says: "wall, replay", "'sundial'"),
                service(
                    "a criterion against the champion", "policy.yaml", ServiceTexts.policy.replacing("at_least: 0.8", with: "not_worse_than: champion"), line: 4,
                    says: "'not_worse_than' is not built yet"),
                service("an unknown key of the policy", "policy.yaml", ServiceTexts.policy + "\nexposures: []", line: 8, says: "'exposures'", "did you mean 'exposure'?"),
                service(
                    "a policy without approvals", "policy.yaml",
                    ServiceTexts.policy.replacing("approval: [{ role: reviewer, count: 1 }, { role: risk-owner, count: 1 }]", with: "approval: []"), line: 6,
                    says: "at least one approval"),
                service("a wrong duration", "policy.yaml", ServiceTexts.policy.replacing("7d", with: "a week"), line: 4, says: "'a week'"),
                service("an unknown key of the decision", "decision.yaml", ServiceTexts.decision + "\nthreshold: 0.5", line: 9, says: "'threshold'", "known here"),
                service("a policy in its place", "decision.yaml", ServiceTexts.policy, line: 1, says: "'decision'"),
                service("a decision in its place", "policy.yaml", ServiceTexts.decision, line: 1, says: "'policy'"),
                service(
                    "a contract outside the folder", "decision.yaml", ServiceTexts.decision.replacing("contracts/request.yaml", with: "../request.yaml"), line: 3,
                    says: "'../request.yaml'", "without '..'"),
                service(
                    "a contract with an alias", "contracts/request.yaml", ServiceTexts.request.replacing("id: flights", with: "id: *name"), line: 3, says: "anchors and aliases"),
            ]

        @Test(arguments: services) func aServiceIsReadBeforeItIsSent(_ refusal: Refusal) async throws { try await refusal.check(in: Workshop.folder()) }

        @Test(arguments: ["decision.yaml", "policy.yaml", "contracts/request.yaml"]) func aFileThatIsMissingIsNamed(_ name: String) async throws {
            let folder = try Workshop.folder()
            try FileManager.default.removeItem(atPath: folder.path + "/service/" + name)
            try await Refusal(
                name, "release propose --home home --fallback --key ada.key --reason test --decision service/decision.yaml --policy service/policy.yaml", exits: 66,
                says: "service/\(name)", "check the name"
            ).check(in: folder)
        }
    }
}
