// Versions and rows that a running control plane refuses, and what stays as it was.
import Foundation
import Testing

extension ProgramTests.RunningTests {
    @Suite struct RegistryTests {
        private static func rows(_ name: String, _ text: String, line: Int, says: String...) -> Refusal {
            var refusal = Refusal(name, "registry evaluate flight-delay@1 --data bad.csv", exits: 65, says: "", files: ["bad.csv": text])
            refusal.says = ["line \(line): "] + says
            return refusal
        }

        private static let head = "distance,dep_delay,late\n"

        static let tables = [
            rows("a column too few", "distance,late\n1,true\n", line: 1, says: "'dep_delay'", "missing"),
            rows("a column too many", "distance,dep_delay,late,wind\n1,2,true,3\n", line: 1, says: "'wind'", "not in the contract"),
            rows("a column twice", "distance,dep_delay,late,late\n1,2,true,true\n", line: 1, says: "twice"),
            rows("something else", "tree\nversion=v4\n", line: 1, says: "'distance'"),
            rows("nothing", "", line: 1, says: "empty"),
            rows("a field too few", head + "1,2,true\n1,2\n", line: 3, says: "2 fields", "3"),
            rows("a quote inside a field", head + "1,2,true\n1,2\"2,true\n", line: 3, says: "quote"),
            rows("a quote that does not end", head + "1,2,true\n\"1,2,true\n", line: 3, says: "quote", "end"),
            rows("something after a quote", head + "\"1\"x,2,true\n", line: 2, says: "quote"),
            rows("no label", head + "1,2,true\n1,2,\n", line: 3, says: "'late'", "empty"),
            rows("a label of another kind", head + "1,2,maybe\n", line: 2, says: "'late'", "'maybe'"),
            rows("text for a number", head + "1,2,true\n1,2,false\nfar,2,true\n", line: 4, says: "'distance'", "'far'"),
            rows("below the contract", head + "1,-61,true\n", line: 2, says: "'dep_delay'", "'-61'", "-60"),
            rows("above the contract", head + "1,2,true\n6001,2,true\n", line: 3, says: "'distance'", "'6001'", "6000"),
            rows("a number that is none", head + "nan,2,true\n", line: 2, says: "'distance'"),
            rows("a required field left out", head + ",2,true\n", line: 2, says: "'distance'", "empty"),
        ]

        @Test(arguments: tables) func aRowOutsideItsContractIsNamedByLine(_ refusal: Refusal) async throws { try await RunningInstallation.get().refuse(refusal) }

        static let versions = [
            Refusal("rows that are missing", "registry evaluate flight-delay@1 --data nowhere.csv", exits: 66, says: "nowhere.csv", "check the name"),
            Refusal("rows that are a folder", "registry evaluate flight-delay@1 --data service", exits: 66, says: "service"),
            Refusal("a version to measure that is not there", "registry evaluate flight-delay@9 --data holdout.csv", exits: 65, says: "flight-delay@9", "'penstock registry list'"),
            Refusal("a version to show that is not there", "registry show flight-delay@9", exits: 65, says: "flight-delay@9", "'penstock registry list'"),
            Refusal("a model of that name that is not there", "registry show late@1", exits: 65, says: "late@1", "'penstock registry list'"),
            Refusal(
                "a model that is no model", "registry add --name flight-delay --model holdout.csv --contract service/contracts/training.yaml --key ada.key", exits: 65,
                says: "holdout.csv", "not a LightGBM model"),
        ]

        @Test(arguments: versions) func aVersionThatIsNotThereIsNamed(_ refusal: Refusal) async throws { try await RunningInstallation.get().refuse(refusal) }

        @Test func aVersionWhoseRowsAreRefusedSaysThatItIsRegistered() async throws {
            let installation = try RunningInstallation.get()
            try installation.folder.write(Self.head + "6001,2,true\n", to: "bad.csv")
            let run = try await Program.built.get().run(
                "registry add --name other --model model.txt --contract service/contracts/training.yaml --data bad.csv --key ada.key".split(separator: " ").map(String.init),
                in: installation.folder.path, installation.variables)
            Refusal("", "", exits: 65, says: "other@1 is registered, but not measured", "line 2: ", "penstock registry evaluate other@1").expectRefused(run)
        }

        private static let closed = "http://127.0.0.1:1"

        static let lines = [
            Refusal("no control plane", "registry list", exits: 69, says: closed, "penstock up", "--url", with: ["PENSTOCK_URL": closed]),
            Refusal("no control plane to export from", "ledger export --to new.export", exits: 69, says: closed, "penstock up", with: ["PENSTOCK_URL": closed]),
            Refusal("no control plane to save from", "ledger checkpoint --to new.checkpoint", exits: 69, says: closed, "penstock up", with: ["PENSTOCK_URL": closed]),
            Refusal("no control plane to ask for the history", "ledger verify --url \(closed)", exits: 69, says: closed, "penstock up"),
            Refusal(
                "no control plane to propose to", "release propose --fallback --key ada.key --reason x", RunningInstallation.files, exits: 69, says: closed,
                with: ["PENSTOCK_URL": closed]),
            Refusal("no control plane to approve at", "release approve rebooking-offer-4 --role reviewer --key ben.key --url \(closed)", exits: 69, says: closed),
            Refusal(
                "no control plane to register at", "registry add --name flight-delay --model model.txt --contract service/contracts/training.yaml --key ada.key --url \(closed)",
                exits: 69, says: closed),
            Refusal("another machine without encryption", "registry list --url http://example.com", exits: 65, says: "http://example.com", "https"),
            Refusal("no address", "registry list --url somewhere", exits: 65, says: "'somewhere'", "http://127.0.0.1:PORT"),
            Refusal("a wrong token", "registry list", exits: 77, says: "token", "PENSTOCK_TOKEN", with: ["PENSTOCK_TOKEN": "pst_00000000_" + String(repeating: "A", count: 43)]),
            Refusal("an empty token", "release list", exits: 77, says: "token", with: ["PENSTOCK_TOKEN": ""]),
            Refusal("a token that is none", "release show rebooking-offer-0", exits: 77, says: "token", with: ["PENSTOCK_TOKEN": "secret"]),
            Refusal("no installation", "registry list", exits: 66, says: "nowhere", "'penstock init'", with: ["PENSTOCK_HOME": "nowhere"]),
            Refusal("a checkpoint on a file that is there", "ledger checkpoint --to model.txt", exits: 73, says: "model.txt exists already", "nothing was overwritten"),
            Refusal("an export on a file that is there", "ledger export --to model.txt", exits: 73, says: "model.txt exists already", "nothing was overwritten"),
            Refusal("an export into no folder", "ledger export --to nowhere/export", exits: 73, says: "nowhere/export"),
        ]

        @Test(arguments: lines) func theLineToTheControlPlaneIsNamed(_ refusal: Refusal) async throws { try await RunningInstallation.get().refuse(refusal) }

        @Test func aNodesTokenIsNotAPersons() async throws {
            let installation = try RunningInstallation.get()
            let token = try String(contentsOfFile: installation.home + "/nodes/node-1/node.token", encoding: .utf8).trimmingCharacters(in: .newlines)
            try await installation.refuse(Refusal("", "registry list", exits: 77, says: "'node'", with: ["PENSTOCK_TOKEN": token]))
        }
    }
}
