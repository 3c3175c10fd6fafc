// What a machine lacks is found, and how to get it is said.
import Foundation
import Testing

/// The sandbox, as these tests use it: to show the program another machine than this.
enum Bubblewrap {
    static let path = ["/usr/bin/bwrap", "/usr/local/bin/bwrap"].first { FileManager.default.isExecutableFile(atPath: $0) }

    /// Whether it may make namespaces here.
    static let works: Bool = {
        guard let path else { return false }
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = ["--unshare-all", "--dev-bind", "/", "/", "/usr/bin/true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}

extension ProgramTests {
    @Suite struct DoctorTests {
        private struct Finding: Decodable {
            var name: String
            var state: String
            var detail: String
            var remedy: String
        }

        private func findings(_ run: Run) throws -> [String: Finding] {
            Dictionary(uniqueKeysWithValues: try JSONDecoder().decode([Finding].self, from: Data(run.output.utf8)).map { ($0.name, $0) })
        }

        private func doctor(_ folder: Folder, _ variables: [String: String?] = [:], wrapper: [String] = [], _ program: Program? = nil) async throws -> Run {
            try await (program ?? Program.built.get()).run(["doctor", "--home", "home", "--output", "json"], in: folder.path, variables, wrapper: wrapper)
        }

        @Test(arguments: ["/usr/bin:/bin", "", "/nowhere"]) func aWholeMachineIsWellWhateverThePath(_ path: String) async throws {
            let run = try await doctor(Workshop.folder(), ["PATH": path])
            let found = try findings(run)
            #expect(run.code == 0 && run.errors == "")
            #expect(found["LightGBM"]?.state == "ok" && found["LightGBM"]?.detail == Program.libraries + "/lib_lightgbm.so")
            #expect(found["installation"]?.state == "ok")
            #expect(found["bubblewrap"]?.state == (Bubblewrap.works ? "ok" : "degraded"))
            for finding in found.values { #expect((finding.state == "ok") == finding.remedy.isEmpty, "\(finding)") }
        }

        @Test(.enabled(if: !SystemLibrary.isThere, "LightGBM is installed in a folder of the system")) func aMissingLibraryIsNamedWithWhatBringsIt() async throws {
            let folder = try Workshop.folder()
            let distance = try Folder()
            let program = try elsewhere(distance)
            let empty: [String: String?] = ["PENSTOCK_LIBRARIES": folder.path + "/service"]
            let run = try await doctor(folder, empty, program)
            #expect(run.code == 1)
            #expect(try findings(run)["LightGBM"]?.state == "missing")
            #expect(run.errors == "penstock: LightGBM is missing: run scripts/setup, or name its folder with PENSTOCK_LIBRARIES\n")
            try await Refusal(
                "registry add", "registry add --home home --name flight-delay --model model.txt --contract service/contracts/training.yaml --key ada.key", exits: 69,
                says: "model.txt", "lib_lightgbm.so", "scripts/setup", "PENSTOCK_LIBRARIES", with: empty
            ).check(in: folder, program)
        }

        @Test func aLibraryThatDoesNotLoadIsNotWell() async throws {
            let folder = try Workshop.folder()
            try folder.write("this is no library", to: "broken/lib_lightgbm.so")
            let run = try await doctor(folder, ["PENSTOCK_LIBRARIES": folder.path + "/broken"])
            let finding = try findings(run)["LightGBM"]
            #expect(run.code == 1 && finding?.state == "missing" && finding?.detail.contains("broken/lib_lightgbm.so does not load") == true, "\(run)")
        }

        @Test(
            .enabled(if: Bubblewrap.works, "needs bubblewrap"),
            arguments: [("/dev/null", "not found", "apt-get install bubblewrap"), ("/usr/bin/false", "does not work", "user namespaces")])
        func withoutASandboxTheMachineIsDegraded(_ cover: String, _ detail: String, _ remedy: String) async throws {
            let folder = try Workshop.folder()
            let path = try #require(Bubblewrap.path)
            let run = try await doctor(folder, wrapper: [path, "--dev-bind", "/", "/", "--ro-bind", cover, path, "--chdir", folder.path])
            let finding = try findings(run)["bubblewrap"]
            #expect(run.code == 0 && finding?.state == "degraded", "\(run)")
            #expect(finding?.detail.contains(detail) == true && finding?.remedy.contains(remedy) == true, "\(run)")
        }

        @Test func anInstallationThatLacksSomethingIsSaid() async throws {
            let folder = try Workshop.folder()
            try await Program.built.get().succeed(Workshop.named + Workshop.people + ["--home", "new"], in: folder.path)
            let unsigned = try await Program.built.get().run(["doctor", "--home", "new"], in: folder.path)
            #expect(unsigned.code == 1 && unsigned.errors.contains("penstock trust sign") && unsigned.output.contains("needs the signatures of 2 people"), "\(unsigned)")
            let none = try await Program.built.get().run(["doctor", "--home", "nowhere"], in: folder.path)
            #expect(none.code == 0 && none.output.contains("degraded") && none.output.contains("penstock init"), "\(none)")
        }

        /// The same program where no folder above it brings a library.
        private func elsewhere(_ folder: Folder) throws -> Program {
            let program = try Program.built.get()
            let other = Program(path: folder.path + "/penstock")
            if link(program.path, other.path) != 0 { try FileManager.default.copyItem(atPath: program.path, toPath: other.path) }
            return other
        }

        private enum SystemLibrary {
            static let isThere = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/local/lib", "/usr/lib"].contains {
                FileManager.default.fileExists(atPath: $0 + "/lib_lightgbm.so")
            }
        }
    }
}
