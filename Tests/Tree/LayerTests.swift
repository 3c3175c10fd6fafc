// The layers' promises on today's tree, and on planted breaches of each.
import Testing

@Suite struct LayerTests {
    private static func planted(_ text: String, in path: String) -> [SwiftSource] { [SwiftSource(path: path, text: text)] }

    private static func modules(_ paths: [String]) -> Set<String> {
        let rooms = Dictionary(grouping: paths.filter { $0.hasPrefix("Sources/Interop/") }) { String($0.split(separator: "/")[2]) }
        return Set(rooms.filter { !$0.value.contains { $0.hasSuffix(".swift") } }.keys)
    }

    @Test func cLivesOnlyInInterop() throws {
        let paths = try Checkout.files(below: "Sources") + Checkout.files(below: "Tests")
        let modules = Self.modules(paths)
        #expect(modules.contains("CLightGBM"))
        let sources = try Checkout.swift(below: "Sources") + Checkout.swift(below: "Tests")
        #expect(Set(sources.flatMap { $0.imports.map(\.module) }).isSuperset(of: modules), "a C module that nobody imports is no room of this house")
        #expect(LayerRules.foreignModules(in: sources, modules: modules).map(\.description) == [])
        #expect(LayerRules.foreignFiles(in: paths).map(\.description) == [])
    }

    @Test(arguments: [
        ("Sources/Adapters/ModelEngines/A.swift", "private import CThing\n", "A.swift:1: imports CThing: C lives only"),
        ("Sources/Domain/Inference/A.swift", "// x\n@preconcurrency internal import CThing\n", "A.swift:2: imports CThing: C lives only"),
        ("Tests/Interop/A.swift", "private import CThing\n", "imports CThing: C lives only in Sources/Interop"),
        ("Sources/Interop/Thing/A.swift", "package import CThing\n", "for others to see"),
        ("Sources/Interop/Thing/A.swift", "public import struct CThing.handle\n", "for others to see"),
        ("Sources/Services/A.swift", "let a = dlopen(nil, 0)\n", "A.swift:1: dlopen"),
        ("Sources/Adapters/A.swift", "let a = b.map { dlsym($0, \"c\") }\n", "A.swift:1: dlsym"),
    ]) func aPlantedUseOfCIsFound(_ path: String, _ text: String, _ says: String) {
        let found = LayerRules.foreignModules(in: Self.planted(text, in: path), modules: ["CThing"])
        #expect(found.count == 1 && found[0].description.contains(says), "\(found)")
    }

    @Test func cIsOwnedByOneRoomAndMayBeSpokenOf() {
        let owner = SwiftSource(path: "Sources/Interop/Thing/A.swift", text: "internal import CThing\nlet a = dlopen(nil, 0)\n")
        let same = SwiftSource(path: "Sources/Interop/Thing/B.swift", text: "private import struct CThing.handle\n")
        let other = SwiftSource(path: "Sources/Interop/Other/A.swift", text: "private import CThing\n")
        let spoken = SwiftSource(path: "Sources/Domain/A.swift", text: "// import CThing, dlopen(\nlet a = \"import CThing; dlopen(\"\nprivate import CThingAndMore\n")
        #expect(LayerRules.foreignModules(in: [owner, same, spoken], modules: ["CThing"]).isEmpty)
        let found = LayerRules.foreignModules(in: [owner, same, other], modules: ["CThing"])
        #expect(found.map(\.description) == ["Sources/Interop/Other, Sources/Interop/Thing: each imports CThing; one Swift room owns a C module"])
        let paths = ["Sources/Interop/CThing/include/a.h", "Sources/Adapters/A/a.c", "Sources/Domain/module.modulemap", "Tests/a.h", "Sources/Domain/A.swift"]
        #expect(LayerRules.foreignFiles(in: paths).map(\.path) == ["Sources/Adapters/A/a.c", "Sources/Domain/module.modulemap", "Tests/a.h"])
        #expect(Self.modules(["Sources/Interop/CThing/a.c", "Sources/Interop/Thing/A.swift", "Sources/Interop/CThing/include/a.h", "Sources/Ports/A.swift"]) == ["CThing"])
    }

    @Test func domainOnlyDecides() throws {
        let sources = try Checkout.swift(below: "Sources")
        #expect(sources.count { $0.layer == "Domain" } > 20 && sources.count { $0.layer == "Primitives" } > 5)
        let rooms = Set(try Manifest(try Checkout.text("Package.swift")).rooms.map(\.name))
        #expect(LayerRules.outsideModules(in: sources, rooms: rooms, exceptions: LayerRules.exceptions).map(\.description) == [])
        #expect(LayerRules.worldlyWords(in: sources).map(\.description) == [])
    }

    @Test(arguments: [
        "func a() async {}", "let a = await b()", "actor A {}", "Task { }", "let a = Date()", "let a: Date? = nil", "a(.now)", "let a = ContinuousClock.now", "let a = B.now",
        "let a = Logger(label: \"\")", "print(a)", "let a = Mutex(0)", "let a = Atomic<Int>(0)", "let a = NSLock()", "FileManager.default", "let a = FileHandle.standardError",
        "let a = try Data(contentsOf: b)", "let a = try String(contentsOf: b)", "try a.write(to: b)", "a.b(atPath: c)", "let a = ProcessInfo.processInfo", "let a = getenv(\"A\")",
        "var a = SystemRandomNumberGenerator()", "let a = UUID()", "let a = \"\\(Date())\"",
    ]) func aPlantedLookAtTheWorldIsFound(_ text: String) {
        for path in ["Sources/Domain/Releases/A.swift", "Sources/Primitives/A.swift"] {
            let found = LayerRules.worldlyWords(in: Self.planted("// a\n" + text + "\n", in: path))
            #expect(!found.isEmpty && found.allSatisfy { $0.line == 2 })
        }
        #expect(LayerRules.worldlyWords(in: Self.planted(text, in: "Sources/Services/A.swift")).isEmpty)
    }

    @Test(arguments: [
        "// await, Date(), print(", "let a = \"await Date() .now Mutex print(\"", "case awaitingApproval, dated, printed", "let now = 1; f(at: now)", "a.append(contentsOf: b)",
        "func write(to encoder: Int) {}", "let a = known.sorted()", "private import struct Crypto.SHA256",
    ]) func whatOnlyLooksLikeItIsNot(_ text: String) {
        #expect(LayerRules.worldlyWords(in: Self.planted(text, in: "Sources/Domain/A.swift")).map(\.description) == [])
    }

    @Test(arguments: [
        ("Sources/Domain/A.swift", "private import Foundation", 1), ("Sources/Domain/A.swift", "private import Synchronization", 1),
        ("Sources/Domain/A.swift", "private import Logging", 1),
        ("Sources/Primitives/A.swift", "#if canImport(Glibc)\nprivate import Glibc\n#endif", 1), ("Sources/Domain/A.swift", "private import struct Foundation.Data", 1),
        ("Sources/Domain/A.swift", "package import Primitives\nprivate import enum Crypto.Curve25519", 0), ("Sources/Domain/Listed.swift", "private import Foundation", 0),
        ("Sources/Domain/Listed.swift", "private import Foundation\nprivate import Dispatch", 1), ("Sources/Services/A.swift", "private import Glibc", 1),
        ("Sources/Ports/A.swift", "private import Darwin", 1), ("Sources/Adapters/A.swift", "private import Glibc\nprivate import Foundation", 0),
    ]) func aPlantedSystemModuleIsFound(_ path: String, _ text: String, _ count: Int) {
        let listed = LayerRules.Exception(path: "Sources/Domain/Listed.swift", modules: ["Foundation"], reason: "a test")
        let user = SwiftSource(path: listed.path, text: "private import Foundation")
        let found = LayerRules.outsideModules(in: Self.planted(text, in: path) + [user], rooms: ["Primitives"], exceptions: [listed])
        #expect(found.count == count, "\(found)")
    }

    @Test func anExceptionThatNobodyNeedsIsFound() {
        let listed = LayerRules.Exception(path: "Sources/Domain/Gone.swift", modules: ["Foundation"], reason: "a test")
        let found = LayerRules.outsideModules(in: Self.planted("private import Primitives", in: listed.path), rooms: ["Primitives"], exceptions: [listed])
        #expect(found.map(\.description) == ["Sources/Domain/Gone.swift: needs its exception (a test) no longer; take it off the list"])
    }
}
