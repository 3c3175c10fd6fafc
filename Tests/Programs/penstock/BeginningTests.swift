// Keys, the genesis ceremony and signatures under it.
import Foundation
import Testing

extension ProgramTests {
    @Suite struct BeginningTests {
        private static let nobody = Workshop.named + ["--home", "new"]
        private static let everybody = nobody + Workshop.people
        private static let ada = ["--person", "ada:proposer+reviewer:ada.pub"], ben = ["--person", "ben:reviewer:ben.pub"]

        private static func refusal(_ name: String, _ people: [String], exits code: Int32 = 65, says: String..., home: String = "new", wrapper: [String] = []) -> Refusal {
            var refusal = Refusal(name, "", Workshop.named + ["--home", home] + people, exits: code, says: "", wrapper: wrapper)
            refusal.says = says
            return refusal
        }

        static let ceremonies = [
            refusal("no people", [], says: "--person id:role:public-key-file", "--solo"),
            refusal("nobody who approves", ["--person", "ada:proposer:ada.pub"], says: "nobody could approve", "reviewer", "risk-owner"),
            refusal("nobody who proposes", ben + ["--person", "cleo:risk-owner:cleo.pub"], says: "nobody is a proposer"),
            refusal("one person for two tasks", ada, says: "too few people to approve", "init --solo"),
            refusal("an admin who approves", ada + ben + ["--person", "cleo:admin+risk-owner:cleo.pub"], says: "cleo is admin"),
            refusal("a name twice", ada + ada + ben, says: "ada is listed twice"),
            refusal("a key for two people", ada + ben + ["--person", "cleo:risk-owner:ada.pub"], says: "one key is listed for ada and for cleo"),
            refusal("a node's name twice", Workshop.people + ["--node", "east", "--node", "east"], says: "--node", "name of its own"),
            refusal("a node named like the control plane", Workshop.people + ["--node", "control"], says: "'control'"),
            refusal("more signatures than people", Workshop.people + ["--threshold", "4"], says: "threshold is 4", "1 to 3"),
            refusal("no signature at all", Workshop.people + ["--threshold", "0"], says: "threshold is 0", "1 to 3"),
            refusal("no day", Workshop.people + ["--days", "0"], says: "--days", "1 to 3650"),
            refusal("a key file that is missing", ada + ["--person", "ben:reviewer:nowhere.pub"], exits: 66, says: "nowhere.pub"),
            refusal("a private key to hand out", ada + ["--person", "ben:reviewer:ben.key"], says: "ben.key", "'penstock key new'"),
            refusal("a folder as a key", ada + ["--person", "ben:reviewer:service"], exits: 66, says: "service"),
            refusal("solo among others", ["--solo", "ada:ada.pub"] + ben, says: "--solo", "--person"),
            refusal("solo without a key", ["--solo", "ada"], says: "id:public-key-file"),
            refusal("solo with a private key", ["--solo", "ada:ada.key"], says: "ada.key"),
            refusal("a home that is there", Workshop.people, exits: 73, says: "home holds an installation already", "nothing was changed", home: "home"),
            refusal("a home that is there, with a slash", Workshop.people, exits: 73, says: "home holds an installation already", home: "home/"),
            refusal("a home that is a file", Workshop.people, exits: 73, says: "ada.key cannot be made", "--home", home: "ada.key"),
            refusal("a home under a file", Workshop.people, exits: 73, says: "ada.key", "a file has that name", home: "ada.key/home"),
            refusal("a home that is a folder with other things", Workshop.people, exits: 73, says: "service cannot be made", "not empty", home: "service"),
            refusal("a home where nothing can be made", Workshop.people, exits: 73, says: "/proc", home: "/proc/penstock/home"),
        ]

        @Test(arguments: ceremonies) func aCeremonyThatCannotHoldLeavesNothing(_ refusal: Refusal) async throws { try await refusal.check(in: Workshop.folder()) }

        @Test(.enabled(if: Bubblewrap.works, "needs bubblewrap")) func aFolderThatCannotBeWrittenIsNamed() async throws {
            let folder = try Workshop.folder()
            let readOnly = Bubblewrap.path.map { [$0, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--chdir", folder.path] } ?? []
            for refusal in [
                Self.refusal("init", Workshop.people, exits: 73, says: "new cannot be made", "Read-only file system", wrapper: readOnly),
                Refusal("key new", "key new --person dan", exits: 73, says: "./dan.key cannot be written", "Read-only file system", wrapper: readOnly),
                Refusal("trust sign", "trust sign --home home --key ben.key", exits: 73, says: "home/trust.json cannot be written", "Read-only file system", wrapper: readOnly),
            ] { try await refusal.check(in: folder) }
        }

        @Test func soloIsOnePersonWhoMaySignAlone() async throws {
            let folder = try Workshop.folder()
            let program = try Program.built.get()
            try await program.succeed(Workshop.named + ["--home", "alone", "--solo", "me:eve.pub"], in: folder.path)
            try await program.succeed(["trust", "sign", "--home", "alone", "--key", "eve.key"], in: folder.path)
            #expect(try await program.succeed(["trust", "verify", "--home", "alone"], in: folder.path).output.contains("holds"))
            #expect(try await program.succeed(["trust", "show", "--home", "alone"], in: folder.path).output.contains("solo"))
        }

        @Test func theHomeMayComeFromTheEnvironmentAndNeedNotBeThereYet() async throws {
            let folder = try Workshop.folder()
            try await Program.built.get().succeed(Workshop.named + Workshop.people, in: folder.path, ["PENSTOCK_HOME": "deep/down/here/"])
            #expect(FileManager.default.fileExists(atPath: folder.path + "/deep/down/here/trust.json"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/deep/down") == ["here"])
        }

        @Test func aNameOfOneCharacterIsAName() async throws {
            let folder = try Workshop.folder()
            let program = try Program.built.get()
            try await program.succeed(["key", "new", "--person", "d", "--directory", "k"], in: folder.path)
            try await program.succeed(Workshop.named + Workshop.people + ["--home", "h"], in: folder.path)
            try folder.write(folder.read("h/trust.json"), to: "t")
            try await program.succeed(["trust", "sign", "--key", "ada.key", "--file", "t"], in: folder.path)
            #expect(try folder.read("t") != folder.read("h/trust.json"))
        }

        @Test func whatIsSecretIsForItsOwnerOnlyWhateverTheUmask() async throws {
            let folder = try Workshop.folder()
            let open = ["/bin/sh", "-c", "umask 000; exec \"$0\" \"$@\""]
            let program = try Program.built.get()
            for arguments in [["key", "new", "--person", "dan", "--directory", "keys"], Workshop.named + Workshop.people + ["--home", "new"]] {
                #expect(try await program.run(arguments, in: folder.path, wrapper: open).code == 0)
            }
            #expect(try await program.run(["trust", "sign", "--home", "new", "--key", "ada.key"], in: folder.path, wrapper: open).code == 0)
            let entries = try folder.snapshot().entries.filter { $0.key.hasPrefix("new") || $0.key.hasPrefix("keys") }
            #expect(entries.count > 15)
            for (path, entry) in entries { #expect(entry.hasPrefix(entry.hasSuffix("folder") ? "700 " : "600 "), "\(path) \(entry)") }
        }

        static let keys = [
            Refusal("the key is there", "key new --person ada", exits: 73, says: "ada.key exists already", "nothing was overwritten"),
            Refusal("only its public half is there", "key new --person dan", exits: 73, says: "dan.pub exists already", files: ["dan.pub": "x"]),
            Refusal("the folder is a file", "key new --person dan --directory ada.key", exits: 73, says: "ada.key"),
            Refusal("no such key to show", "key show dan.pub", exits: 66, says: "dan.pub", "check the name"),
            Refusal("a private key to show", "key show ada.key", exits: 65, says: "ada.key", ".pub file"),
            Refusal("a key cut short", "key show cut.pub", exits: 65, says: "cut.pub", files: ["cut.pub": "penstock public key v1 (Ed25519)\nAAAA\n"]),
            Refusal("a folder to show", "key show service", exits: 66, says: "service"),
        ]

        @Test(arguments: keys) func aKeyIsNeverLostOrMistaken(_ refusal: Refusal) async throws { try await refusal.check(in: Workshop.folder()) }

        static let signatures = [
            Refusal("nobody's key", "trust sign --home home --key eve.key", exits: 77, says: "eve.key is the key of nobody", "ada, ben, cleo"),
            Refusal("a key that is missing", "trust sign --home home --key dan.key", exits: 66, says: "dan.key"),
            Refusal("a public key", "trust sign --home home --key ada.pub", exits: 65, says: "ada.pub", "private key"),
            Refusal("no home", "trust sign --home nowhere --key ada.key", exits: 66, says: "nowhere", "'penstock init'"),
            Refusal("a document that is missing", "trust sign --key ada.key --file other.json", exits: 66, says: "other.json"),
            Refusal("a document of another kind", "trust sign --key ada.key --file model.txt", exits: 65, says: "model.txt", "no DSSE envelope"),
            Refusal("no home to show", "trust show --home nowhere", exits: 66, says: "nowhere", "'penstock init'"),
        ]

        @Test(arguments: signatures) func onlyThePeopleOfTheRootSignIt(_ refusal: Refusal) async throws { try await refusal.check(in: Workshop.folder()) }

        @Test func aRootWithoutItsSignaturesStartsNothing() async throws {
            let folder = try Workshop.folder()
            try await Program.built.get().succeed(Self.everybody, in: folder.path)
            for command in ["trust verify --home new", "up --detach --home new", "control-plane --home new"] {
                try await Refusal(command, command, exits: 77, says: "new/trust.json", "signatures of 2 people", "has 0", "'penstock trust sign").check(in: folder)
            }
        }
    }
}
