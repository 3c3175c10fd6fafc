// What people and programs are shown of a running installation.
import Foundation
import Testing

extension ProgramTests.RunningTests {
    @Suite struct OutputTests {
        @Test func everyTableIsAlsoExactlyOneJSONDocument() throws {
            let answers = try RunningInstallation.get().answers
            #expect(answers.count > 20)
            for (command, output) in answers {
                #expect(output.hasSuffix("\n") && output.count { $0.isNewline } == 1, "\(command): \(output)")
                #expect(throws: Never.self, "\(command): \(output)") { try JSONSerialization.jsonObject(with: Data(output.utf8)) }
            }
        }

        @Test func aRefusedProposalIsOneDocumentAndASentence() async throws {
            let installation = try RunningInstallation.get()
            try installation.folder.write(ServiceTexts.policy.replacing("at_least: 0.8", with: "at_least: 0.9999"), to: "service/policy.yaml")
            let run = try await Program.built.get().run(
                ["release", "propose", "flight-delay@1", "--key", "ada.key", "--reason", "too bold", "--output", "json"] + RunningInstallation.files,
                in: installation.folder.path, installation.variables)
            let view = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
            #expect(run.code == 77 && view?["phase"] as? String == "refused", "\(run)")
            #expect(run.errors.hasPrefix("penstock: rebooking-offer-5 was refused: ") && run.errors.contains("auc at least 0.9999"), "\(run.errors)")
        }

        /// Tables of what others wrote, and the one line of an error.
        @Test func textOfOthersReachesATerminalCleaned() async throws {
            let installation = try RunningInstallation.get()
            for command in ["release list", "release show rebooking-offer-3"] {
                let output = try await installation.succeed(command)
                #expect(output.contains("red \u{FFFD}[31m\u{FFFD}gnp\u{FFFD}\u{FFFD}2J\u{FFFD}\u{FFFD}end\u{FFFD}rebooking-offer-9"), "\(command): \(output)")
                expectHarmless(output, command)
                #expect(!output.split(separator: "\n").contains { $0.hasPrefix("rebooking-offer-9") }, "\(command)")
            }
            let json = try await installation.succeed("release show rebooking-offer-3 --output json")
            expectHarmless(json, "json")
            let view = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
            #expect((view?["proposal"] as? [String: Any])?["reason"] as? String == RunningInstallation.poisoned, "JSON keeps the text as it was written")
        }

        @Test func aNameOfAFileIsCleanedToo() async throws {
            let installation = try RunningInstallation.get()
            let run = try await Program.built.get().run(
                ["registry", "evaluate", "flight-delay@1", "--data", RunningInstallation.poisoned], in: installation.folder.path, installation.variables)
            Refusal("", "", exits: 66, says: "red \u{FFFD}[31m").expectRefused(run)
            expectHarmless(run.errors, "error")
        }

        @Test func nobodyIsShownColoursThroughAPipe() async throws {
            let installation = try RunningInstallation.get()
            for command in ["registry list", "release show rebooking-offer-0", "registry live", "trust show", "doctor"] {
                expectHarmless(try await installation.succeed(command), command)
            }
        }

        private func expectHarmless(_ text: String, _ name: String) {
            let harmful = text.unicodeScalars.filter { [.control, .format, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory) && $0 != "\n" }
            #expect(harmful.isEmpty, "\(name): \(harmful.map(\.value))")
        }

        @Test func filesOfTheInstallationAreForTheirOwnerOnly() throws {
            for (path, entry) in try Snapshot(of: RunningInstallation.get().home).entries {
                #expect(entry.hasPrefix(entry.hasSuffix("folder") ? "700 " : "600 "), "\(path) \(entry)")
            }
        }

        /// A process that outlives its starter keeps nothing of it open.
        @Test func whatWasOpenWhenItStartedIsNotHeld() throws {
            let installation = try RunningInstallation.get()
            let processes = Processes.naming(installation.home)
            #expect(processes.count == 2)
            for process in processes {
                let folder = "/proc/\(process)/fd/"
                let open = try FileManager.default.contentsOfDirectory(atPath: folder).map { (try? FileManager.default.destinationOfSymbolicLink(atPath: folder + $0)) ?? "" }
                #expect(!open.contains(installation.folder.path + "/held") && !open.contains { $0.contains("penstock-output-") }, "\(open)")
            }
        }

        @Test func whatRunsIsLeftAlone() async throws {
            let installation = try RunningInstallation.get()
            let before = try String(contentsOfFile: installation.home + "/run/control.json", encoding: .utf8)
            let output = try await installation.succeed("up --detach")
            #expect(output.contains("control runs already at http://\(installation.control)") && output.contains("node-1 runs already at http://\(installation.node)"), "\(output)")
            #expect(try String(contentsOfFile: installation.home + "/run/control.json", encoding: .utf8) == before)
        }

        /// Whoever has the port is not mistaken for one's own, even when it is a control plane.
        @Test(arguments: [0, 1]) func anotherInstallationOnThePortIsNotMistaken(_ which: Int) async throws {
            let installation = try RunningInstallation.get()
            let folder = try Workshop.folder()
            var addresses = try Ports.free(2)
            addresses[which] = which == 0 ? installation.control : installation.node
            defer { Processes.end(naming: folder.path) }
            let run = try await Program.built.get().run(
                ["up", "--detach", "--home", folder.path + "/home", "--control", addresses[0], "--node", addresses[1]], in: folder.path)
            Refusal("", "", exits: 69, says: addresses[which], "in use").expectRefused(run)
            #expect(Processes.naming(folder.path) == [])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/home/run") == [])
        }
    }
}
