// Loads models with the native library of their format.
private import Foundation
private import LightGBM
package import Ports
private import Primitives
private import Synchronization

/// Knows the format `lightgbm`: LightGBM's text, one score for a row.
///
/// The library is looked for in the given folders, in that order, when the first model is loaded; the first file found decides. A model text that
/// LightGBM could crash on is refused before LightGBM reads it (see `ModelText` in Interop/LightGBM); flaws that we do not
/// know of are the reason why a model's first load is in a sandboxed probe.
package struct ModelEngines: ModelEngine {
    package static let formats = ["lightgbm"]

    private let libraryDirectories: [String]
    private let opened = OpenedLibrary()

    package init(libraryDirectories: [String]) {
        self.libraryDirectories = libraryDirectories
    }

    /// Looks in the folders of `PENSTOCK_LIBRARIES` (separated by colons), in `.deps/lib` beside the program and the working folder and every folder
    /// above them, and in the system's folders.
    package init() {
        self.init(
            libraryDirectories: Self.libraryDirectories(
                setting: ProcessInfo.processInfo.environment["PENSTOCK_LIBRARIES"],
                program: (Bundle.main.executablePath as NSString?)?.resolvingSymlinksInPath, workingDirectory: FileManager.default.currentDirectoryPath))
    }

    package static func libraryDirectories(setting: String?, program: String?, workingDirectory: String) -> [String] {
        var found = (setting ?? "").split(separator: ":").map(String.init)
        for start in [program.map { ($0 as NSString).deletingLastPathComponent }, workingDirectory] {
            var folder = start ?? ""
            while folder.hasPrefix("/") {
                found.append((folder as NSString).appendingPathComponent(".deps/lib"))
                if folder == "/" { break }
                folder = (folder as NSString).deletingLastPathComponent
            }
        }
        #if arch(x86_64)
            found.append("/usr/lib/x86_64-linux-gnu")
        #else
            found.append("/usr/lib/aarch64-linux-gnu")
        #endif
        found += ["/usr/local/lib", "/usr/lib"]
        var seen: Set<String> = []
        return found.filter { seen.insert($0).inserted }
    }

    /// The file that a load would open; `nil` when there is none.
    package func libraryPath(format: String) -> String? {
        guard format == "lightgbm" else { return nil }
        return libraryDirectories.lazy.map { $0 + "/lib_lightgbm.so" }.first { FileManager.default.fileExists(atPath: $0) }
    }

    package func load(_ model: [UInt8], format: String, features: Int) throws(ModelEngineError) -> any LoadedModel {
        guard Self.formats.contains(format) else {
            throw ModelEngineError(
                .unreadable, "there is no engine for models of the format “\(format.prefix(64))”; known is \(Self.formats.joined(separator: ", "))")
        }
        let library = try library()
        let booster: Booster
        do { booster = try Booster(model, library: library) } catch { throw ModelEngineError(error) }
        guard booster.features == features else {
            throw ModelEngineError(
                .mismatch,
                "the lightgbm model has \(booster.features) features and its contract \(features); train it on exactly the contract's feature columns")
        }
        return LightGBMModel(booster)
    }

    package func runtime(of format: String) -> String {
        guard let path = libraryPath(format: format), let bytes = FileManager.default.contents(atPath: path) else { return format }
        return "\(URL(filePath: path).lastPathComponent) \(Digest.of(Array(bytes)))"
    }

    private func library() throws(ModelEngineError) -> LightGBMLibrary {
        if let library = opened.library.withLock({ $0 }) { return library }
        guard let path = libraryPath(format: "lightgbm") else {
            throw ModelEngineError(
                .libraryMissing,
                "there is no lib_lightgbm.so for models of the format lightgbm in \(libraryDirectories.joined(separator: ", ")); "
                    + "run scripts/setup, or name its folder in PENSTOCK_LIBRARIES")
        }
        do {
            let library = try LightGBMLibrary(path: path)
            opened.library.withLock { $0 = library }
            return library
        } catch { throw ModelEngineError(error) }
    }
}

/// Opening twice is harmless, so the lock is not held meanwhile.
private final class OpenedLibrary: Sendable {
    let library = Mutex<LightGBMLibrary?>(nil)
}

private final class LightGBMModel: LoadedModel {
    private let booster: Booster

    init(_ booster: Booster) { self.booster = booster }

    func makeScorer() throws(ModelEngineError) -> any RowScorer {
        do { return LightGBMScorer(try RowPredictor(booster)) } catch { throw ModelEngineError(error) }
    }
}

private final class LightGBMScorer: RowScorer {
    private let predictor: RowPredictor

    init(_ predictor: consuming RowPredictor) { self.predictor = predictor }

    func score(_ row: UnsafeBufferPointer<Double>) throws(ModelEngineError) -> Double {
        do { return try predictor.score(row.span) } catch { throw ModelEngineError(error) }
    }
}

extension ModelEngineError {
    fileprivate init(_ error: LightGBMError) {
        switch error.code {
        case .library: self.init(.libraryMissing, error.message)
        case .model: self.init(.unreadable, error.message)
        default: self.init(.failed, error.message)
        }
    }
}
