// `run`, `explain` and `contract check`: a project with nothing around it, runs that are cut, and what is refused.
import Foundation
import Testing

/// A pipeline of two shell stages.
enum SmallProject {
    static let contract = """
        apiVersion: v3.1.0
        kind: DataContract
        id: words
        version: 1.0.0
        schema:
          - name: rows
            properties:
              - { name: word, logicalType: string, required: true }
              - { name: count, logicalType: integer, required: true, logicalTypeOptions: { minimum: 0, maximum: 9 } }
        """

    static let pipeline = """
        pipeline: small
        parameters: { seconds: 0 }
        stages:
          first:
            run: bash code/first/first.sh
            sources: { words: { files: words.csv } }
            outputs: { rows: words.yaml }
          second:
            run: bash code/second/second.sh
            parameters: { seconds }
            inputs: { rows: first.rows }
            outputs: { count: {} }
        """

    static let files = [
        "penstock.yaml": pipeline, "words.yaml": contract, "words.csv": "word,count\na,1\nb,2\n", "bad.csv": "word,count\na,1\nb,20\n",
        "code/first/first.sh": "cp \"$PENSTOCK_SOURCE_WORDS\" \"$PENSTOCK_OUTPUT_ROWS\"\n",
        "code/second/second.sh": "sleep \"$PENSTOCK_PARAM_SECONDS\"\nwc -l < \"$PENSTOCK_INPUT_ROWS\" > \"$PENSTOCK_OUTPUT_COUNT\"\n",
    ]

    static func folder() throws -> Folder {
        let folder = try Folder()
        for (path, text) in files { try folder.write(text, to: path) }
        return folder
    }
}

extension ProgramTests {
    @Suite struct PipelineTests {
        private struct Report: Decodable {
            struct Stage: Decodable {
                var stage: String
                var outcome: String
                var why: String
            }
            var phase: String
            var stages: [Stage]
            var outcomes: [String] { stages.map(\.outcome) }
        }

        private func report(_ run: Run) throws -> Report { try JSONDecoder().decode(Report.self, from: Data(run.output.utf8)) }

        @Test func promise2_aProjectRunsWithoutAnInstallation() async throws {
            let folder = try SmallProject.folder(), program = try Program.built.get()
            let first = try await program.succeed(["run"], in: folder.path)
            #expect(first.lines.count == 3 && first.lines[1].contains("first  ran, ") && first.lines[1].hasSuffix("2 rows checked: it has never run"))
            let second = try await program.succeed(["run", "--output", "json"], in: folder.path)
            #expect(try report(second).phase == "succeeded" && report(second).outcomes == ["reused", "reused"])
            // Its state is its own: no ledger, no trust, no table, nothing of a node.
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/.penstock") == ["pipelines"])
            let explained = try await program.succeed(["explain", "--set", "seconds=1"], in: folder.path)
            #expect(explained.output.contains("parameter 'seconds' changed from 0 to 1") && explained.output.contains("nothing that it depends on changed"))
        }

        @Test func aProjectElsewhereKeepsItsStateBesideItsFile() async throws {
            let folder = try SmallProject.folder(), outside = try Folder(), program = try Program.built.get()
            try await program.succeed(["run", "--file", folder.path + "/penstock.yaml"], in: outside.path)
            #expect(FileManager.default.fileExists(atPath: folder.path + "/.penstock/pipelines/runs.sqlite"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path) == [])
            try await program.succeed(["run", "--file", folder.path + "/penstock.yaml", "--home", "other"], in: outside.path)
            #expect(FileManager.default.fileExists(atPath: outside.path + "/other/pipelines/runs.sqlite"))
        }

        /// Waits in a shell until the second stage works, then sends the signal to the program.
        private func cut(_ folder: Folder, _ signal: String, seconds: Int) async throws -> Run {
            let script = """
                "$0" "$@" & pid=$!
                while ! ls .penstock/pipelines/logs/*/second-1.log >/dev/null 2>&1; do sleep 0.02; done
                sleep 0.1; kill -\(signal) $pid; wait $pid
                """
            return try await Program.built.get().run(["run", "--set", "seconds=\(seconds)"], in: folder.path, wrapper: ["/bin/sh", "-c", script])
        }

        @Test(arguments: ["INT", "TERM"]) func aStoppedRunIsRecordedAndGoneOnWith(_ signal: String) async throws {
            let folder = try SmallProject.folder(), seconds = Int.random(in: 100_000..<999_999)
            let stopped = try await cut(folder, signal, seconds: seconds)
            #expect(stopped.code == 1 && stopped.errors.contains("was stopped; what it finished is kept"), "\(stopped.errors)")
            #expect(stopped.output.contains("second cancelled: it was stopped on request"))
            try await goesOn(folder, seconds)
        }

        @Test func promise3_aKilledRunLeavesNoOrphanAndIsGoneOnWith() async throws {
            let folder = try SmallProject.folder(), seconds = Int.random(in: 100_000..<999_999)
            let killed = try await cut(folder, "KILL", seconds: seconds)
            #expect(killed.code == 128 + 9)
            try await goesOn(folder, seconds)
        }

        private func goesOn(_ folder: Folder, _ seconds: Int) async throws {
            let end = ContinuousClock.now + .seconds(5)
            while !Processes.naming("\(seconds)").isEmpty, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(20)) }
            #expect(Processes.naming("\(seconds)") == [])
            let next = try await Program.built.get().succeed(["run", "--output", "json"], in: folder.path)
            #expect(try report(next).outcomes == ["reused", "ran"])
            #expect((try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/.penstock/pipelines/work")) ?? [] == [])
        }

        @Test func twoRunsAtOnceAreOneTooMany() async throws {
            let folder = try SmallProject.folder()
            let script = """
                "$0" run --set seconds=4 >/dev/null & pid=$!
                while ! ls .penstock/pipelines/logs/*/second-1.log >/dev/null 2>&1; do sleep 0.02; done
                "$0" "$@"; code=$?; kill -TERM $pid; wait $pid; exit $code
                """
            let run = try await Program.built.get().run(["run"], in: folder.path, wrapper: ["/bin/sh", "-c", script])
            #expect(run.code == 69 && run.errors.contains("another 'penstock run' is at work here"), "\(run.errors)")
        }

        /// A real disk of 4 MB: an output that does not fit, then one that does.
        @Test(.enabled(if: Bubblewrap.works, "bubblewrap may make no namespaces here")) func aFullDiskIsOneSentenceAndTheNextRunGoesOn() async throws {
            let folder = try SmallProject.folder()
            try folder.write("head -c 3000000 /dev/zero > \"$PENSTOCK_OUTPUT_COUNT\"\n", to: "code/second/second.sh")
            let script = """
                "$0" "$@" >/dev/null; echo "code $?" >&2
                find .penstock/pipelines/work -type f >&2
                echo 'echo 1 > "$PENSTOCK_OUTPUT_COUNT"' > code/second/second.sh
                exec "$0" "$@"
                """
            let disk = ["--dev-bind", "/", "/", "--size", "4000000", "--tmpfs", folder.path + "/.penstock", "--chdir", folder.path]
            try FileManager.default.createDirectory(atPath: folder.path + "/.penstock", withIntermediateDirectories: true)
            let run = try await Program.built.get().run(
                ["run", "--output", "json"], in: folder.path, wrapper: [Bubblewrap.path ?? ""] + disk + ["/bin/sh", "-c", script])
            #expect(run.errors == "penstock: the artifact cannot be written: No space left on device; nothing was stored\ncode 1\n", "\(run)")
            #expect(try run.code == 0 && report(run).outcomes == ["reused", "ran"], "\(run)")
        }

        @Test func aFailedStageExitsWith1AndSaysWhereToLook() async throws {
            let folder = try SmallProject.folder(), program = try Program.built.get()
            try folder.write("echo 'no such word' >&2; exit 3\n", to: "code/second/second.sh")
            let failed = try await program.run(["run"], in: folder.path)
            #expect(failed.code == 1 && failed.errors.contains("the stage 'second' failed: the program ended with code 3; it last said: no such word; all it said is in "))
            try folder.write("word,count\na,1\nb,20\n", to: "words.csv")
            let broken = try await program.run(["run", "--output", "json"], in: folder.path)
            #expect(broken.code == 1 && broken.errors.contains("line 3: 'count' is '20', and the contract wants 0 to 9"))
            #expect(try report(broken).phase == "failed" && report(broken).outcomes == ["failed", "skipped"])
        }

        private static func changed(_ part: String, _ other: String) -> [String: String] { ["penstock.yaml": SmallProject.pipeline.replacing(part, with: other)] }

        static let refusals = [
            Refusal("no pipeline", "run --file other.yaml", exits: 66, says: "other.yaml", "check the name"),
            Refusal(
                "a circle", "run", exits: 65, says: "penstock.yaml:4", "first → second → first",
                files: changed("sources: { words: { files: words.csv } }", "inputs: { back: second.count }")),
            Refusal("an input that nobody makes", "run", exits: 65, says: "penstock.yaml:11", "'first.lines'", files: changed("first.rows", "first.lines")),
            Refusal("a script that is not there", "run", exits: 65, says: "penstock.yaml:8", "code/second/third.sh", files: changed("second.sh", "third.sh")),
            Refusal("a source that is not there", "explain", exits: 65, says: "penstock.yaml:6", "missing.csv", files: changed("words.csv", "missing.csv")),
            Refusal("SQL", "run", exits: 65, says: "penstock.yaml:", "table worker", files: changed("run: bash code/second/second.sh", "sql: code/second/x.sql")),
            Refusal("no YAML", "run", exits: 65, says: "penstock.yaml:", files: ["penstock.yaml": "stages: [\n"]),
            Refusal("a contract that does not parse", "run", exits: 65, says: "words.yaml", files: ["words.yaml": "kind: Else\n"]),
            Refusal("a parameter that is not there", "run --set second=1", exits: 65, says: "no parameter 'second'"),
            Refusal("a parameter of another type", "run --set seconds=soon", exits: 65, says: "'seconds' cannot be set", "'soon'"),
            Refusal("nothing that is set", "run --set seconds", exits: 65, says: "'seconds' sets nothing", "parameter=value"),
            Refusal("a stage that is not there", "run third", exits: 65, says: "no stage 'third'", "first, second"),
            Refusal("a stage to force that is not there", "run --force third", exits: 65, says: "no stage 'third'"),
            Refusal("a stage to explain that is not there", "explain third", exits: 65, says: "no stage 'third'"),
            Refusal("no interpreter", "run", exits: 65, says: "penstock.yaml:8", "PENSTOCK_PYTHON", files: changed("bash code/second", "python code/second")),
            Refusal("a table that breaks its contract", "contract check words.yaml bad.csv", exits: 1, says: "bad.csv:3: 'count' is '20'", "1 rows before it keep"),
            Refusal(
                "a quote that does not end", "contract check words.yaml quote.csv", exits: 1, says: "quote.csv:2: a quoted field does not end",
                files: ["quote.csv": "word,count\n\"a,1\n"]),
            Refusal("no contract", "contract check nowhere.yaml words.csv", exits: 66, says: "nowhere.yaml"),
            Refusal("no table", "contract check words.yaml nowhere.csv", exits: 66, says: "nowhere.csv"),
            Refusal("a folder for a table", "contract check words.yaml code", exits: 66, says: "code"),
            Refusal("a contract that is none", "contract check penstock.yaml words.csv", exits: 65, says: "penstock.yaml"),
        ]

        /// One sentence, the right code, and nothing written.
        @Test(arguments: refusals) func whatCannotRunIsRefusedBeforeAnythingIsWritten(_ refusal: Refusal) async throws { try await refusal.check(in: SmallProject.folder()) }

        @Test func aTableThatKeepsItsContractIsCounted() async throws {
            let folder = try SmallProject.folder(), program = try Program.built.get()
            let told = try await program.succeed(["contract", "check", "words.yaml", "words.csv"], in: folder.path)
            #expect(told.output == "words.csv keeps the contract 'words': 2 rows\n")
            let json = try await program.succeed(["contract", "check", "words.yaml", "words.csv", "--output", "json"], in: folder.path)
            #expect(json.output == "{\"holds\":true,\"rows\":2}\n")
            let broken = try await program.run(["contract", "check", "words.yaml", "bad.csv", "--output", "json"], in: folder.path)
            #expect(broken.code == 1 && broken.output.hasPrefix("{\"holds\":false,\"line\":3,") && broken.output.hasSuffix("\"rows\":1}\n"))
        }
    }
}

extension ProgramTests.RunningTests {
    /// From a file of the project to a version whose lineage leads back to it.
    @Suite struct TrainingTests {
        private static let pipeline = """
            pipeline: trained
            stages:
              rows:
                run: bash code/rows/rows.sh
                sources: { raw: { files: holdout.csv } }
                outputs: { rows: service/contracts/training.yaml }
              train:
                run: bash code/train/train.sh
                sources: { made: { files: model.txt } }
                inputs: { rows: rows.rows }
                outputs: { model: { format: lightgbm, signature: service/contracts/training.yaml } }
              evaluate:
                evaluate: { model: train.model, data: rows.rows, label: late, task: binary }
              register:
                register: { model: train.model, name: trained, evidence: evaluate }
            """

        private func project() throws -> Folder {
            let folder = try Workshop.folder()
            try folder.write(Self.pipeline, to: "penstock.yaml")
            try folder.write("cp \"$PENSTOCK_SOURCE_RAW\" \"$PENSTOCK_OUTPUT_ROWS\"\n", to: "code/rows/rows.sh")
            try folder.write("cp \"$PENSTOCK_SOURCE_MADE\" \"$PENSTOCK_OUTPUT_MODEL\"\n", to: "code/train/train.sh")
            return folder
        }

        @Test func aRunRegistersAVersionWithItsLineage() async throws {
            let installation = try RunningInstallation.get(), folder = try project(), program = try Program.built.get()
            // Without a key everything before the registration is kept.
            let unsigned = try await program.run(["run"], in: folder.path, installation.variables)
            #expect(unsigned.code == 1 && unsigned.errors.contains("the model was not registered, and everything before it is kept") && unsigned.errors.contains("--key"))
            let stranger = try await program.run(["run", "--key", "eve.key"], in: folder.path, installation.variables)
            #expect(stranger.code == 1 && stranger.errors.contains("eve.key is the key of nobody"))
            let run = try await program.succeed(["run", "--key", "ada.key"], in: folder.path, installation.variables)
            #expect(run.output.contains("evaluate reused") && run.output.contains("register ran"))
            let again = try await program.succeed(["run", "--key", "ada.key"], in: folder.path, installation.variables)
            #expect(!again.output.contains(" ran"))
            let shown = try await program.succeed(["registry", "show", "trained@1", "--output", "json"], in: folder.path, installation.variables)
            #expect(shown.output.contains("\"auc\":"))
            let lineage = try await program.succeed(["registry", "lineage", "trained@1"], in: folder.path, installation.variables)
            for text in ["train.model", "rows.rows", "bash code/rows/rows.sh", "holdout.csv", "model.txt", "ada"] { #expect(lineage.output.contains(text), "\(text)") }
            let json = try await program.succeed(["registry", "lineage", "trained@1", "--output", "json"], in: folder.path, installation.variables)
            #expect(json.output.contains("\"urn:penstock:project:holdout.csv\""))
            let verified = try await program.succeed(["ledger", "verify"], in: folder.path, installation.variables)
            #expect(verified.output.contains("entries"))
            // Another home that lost its history finds the version that is there.
            let other = try await program.run(["run", "--key", "ada.key", "--force", "register", "--force", "train"], in: folder.path, installation.variables)
            #expect(other.code == 0 && other.output.contains("register ran"))
            let versions = try await program.succeed(["registry", "list"], in: folder.path, installation.variables)
            #expect(!versions.output.contains("trained@2"))
            let none = try await program.succeed(["registry", "lineage", "flight-delay@1"], in: folder.path, installation.variables)
            #expect(none.output.contains("Nobody recorded how it came about") || none.output.contains("train.model"))
        }

        @Test func aControlPlaneThatIsGoneKeepsEverything() async throws {
            let installation = try RunningInstallation.get(), folder = try project()
            try folder.write(Self.pipeline.replacing("name: trained", with: "name: unheard"), to: "penstock.yaml")
            var variables = installation.variables
            variables["PENSTOCK_URL"] = "http://127.0.0.1:1"
            let run = try await Program.built.get().run(["run", "--key", "ada.key", "--force", "train"], in: folder.path, variables)
            #expect(run.code == 1 && run.errors.contains("no control plane answers at http://127.0.0.1:1"), "\(run.errors)")
        }
    }
}
