//===- Weights.cpp - Constant bytes past LLVM ---------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Weights.h"

#include "Multiversion.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/ReplaceConstant.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

static constexpr uint64_t alignment = 64;

/// lib/Runtime/ModelDescriptor.h: the side file's first bytes.
static constexpr llvm::StringLiteral sideMagic = "HGFWGT01";
static constexpr uint64_t sideHeaderBytes = 64;

hgf::Weights hgf::collectWeights(ModuleOp module) {
  Weights weights;
  for (auto global : module.getOps<LLVM::GlobalOp>()) {
    auto bytes = global->getAttrOfType<ElementsAttr>("hgf.bytes");
    if (!bytes)
      continue;
    uint64_t size = bytes.getNumElements() *
                    (bytes.getElementType().getIntOrFloatBitWidth() / 8);
    weights.size = llvm::alignTo(weights.size, alignment);
    weights.blobs.push_back(
        {global.getSymName().str(), bytes, weights.size, size});
    weights.size += size;
  }
  return weights;
}

void hgf::renameWeights(Weights &weights, llvm::Module &module,
                        llvm::StringRef prefix) {
  for (WeightsBlob &blob : weights.blobs) {
    std::string renamed = (prefix + blob.symbol).str();
    if (llvm::GlobalVariable *global = module.getNamedGlobal(blob.symbol))
      global->setName(renamed);
    blob.symbol = renamed;
  }
}

/// The bytes of `attribute` as they lie in memory; `storage` holds them where
/// the attribute does not. Empty where it has none, e.g. a resource that was
/// elided.
static ArrayRef<char> getRawBytes(const hgf::WeightsBlob &blob,
                                  std::vector<char> &storage) {
  ArrayRef<char> raw;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(blob.bytes)) {
    if (AsmResourceBlob *held = resource.getRawHandle().getBlob())
      raw = held->getData();
  } else if (auto dense = dyn_cast<DenseElementsAttr>(blob.bytes)) {
    raw = dense.getRawData();
    if (dense.isSplat()) {
      storage.clear();
      while (storage.size() < blob.size)
        storage.insert(storage.end(), raw.begin(), raw.end());
      raw = storage;
    }
  }
  return raw.size() == blob.size ? raw : ArrayRef<char>();
}

/// Writes every constant at its place and calls `see` with its bytes.
static LogicalResult writeBlobs(const hgf::Weights &weights,
                                llvm::raw_ostream &stream, Location location,
                                llvm::function_ref<void(ArrayRef<char>)> see) {
  uint64_t position = 0;
  std::vector<char> storage;
  for (const hgf::WeightsBlob &blob : weights.blobs) {
    stream.write_zeros(blob.offset - position);
    ArrayRef<char> raw = getRawBytes(blob, storage);
    if (raw.size() != blob.size)
      return emitError(location)
             << "expected " << blob.size << " bytes for the constant '"
             << blob.symbol << "' but the module does not hold them; compile "
             << "from a file that was written with its weights";
    stream.write(raw.data(), raw.size());
    see(raw);
    position = blob.offset + blob.size;
  }
  return success();
}

static LogicalResult finish(llvm::raw_fd_ostream &stream, Location location,
                            StringRef path) {
  stream.close();
  if (!stream.has_error())
    return success();
  std::string message = stream.error().message();
  stream.clear_error();
  return emitError(location) << "cannot write '" << path << "': " << message;
}

bool hgf::needsLargeSection(const Weights &weights,
                            const llvm::Triple &triple) {
  return triple.getArch() == llvm::Triple::x86_64 &&
         weights.size >= (uint64_t(1) << 30);
}

LogicalResult hgf::writeWeightsObject(const Weights &weights,
                                      const llvm::Triple &triple,
                                      Location location, StringRef path) {
  using namespace llvm::ELF;
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (error)
    return emitError(location)
           << "cannot write '" << path << "': " << error.message();

  bool large = needsLargeSection(weights, triple);
  enum { Null, Data, Symbols, Strings, Names, Stack, SectionCount };
  std::string names = std::string("\0", 1);
  Elf64_Shdr sections[SectionCount] = {};
  auto name = [&](int section, StringRef text) {
    sections[section].sh_name = names.size();
    names += text;
    names.push_back('\0');
  };
  name(Data, large ? ".lrodata.hgf" : ".rodata.hgf");
  name(Symbols, ".symtab");
  name(Strings, ".strtab");
  name(Names, ".shstrtab");
  name(Stack, ".note.GNU-stack");

  std::string strings = std::string("\0", 1);
  std::vector<Elf64_Sym> symbols(1);
  for (const WeightsBlob &blob : weights.blobs) {
    Elf64_Sym symbol = {};
    symbol.st_name = strings.size();
    symbol.setBindingAndType(STB_GLOBAL, STT_OBJECT);
    symbol.st_other = STV_HIDDEN;
    symbol.st_shndx = Data;
    symbol.st_value = blob.offset;
    symbol.st_size = blob.size;
    symbols.push_back(symbol);
    strings += blob.symbol;
    strings.push_back('\0');
  }

  uint64_t position = sizeof(Elf64_Ehdr);
  auto place = [&](int section, uint32_t type, uint64_t flags, uint64_t size,
                   uint64_t align) {
    position = llvm::alignTo(position, align);
    Elf64_Shdr &header = sections[section];
    header.sh_type = type;
    header.sh_flags = flags;
    header.sh_offset = position;
    header.sh_size = size;
    header.sh_addralign = align;
    position += size;
  };
  place(Data, SHT_PROGBITS,
        SHF_ALLOC | (large ? uint64_t(SHF_X86_64_LARGE) : 0), weights.size,
        alignment);
  place(Symbols, SHT_SYMTAB, 0, symbols.size() * sizeof(Elf64_Sym), 8);
  sections[Symbols].sh_link = Strings;
  sections[Symbols].sh_info = 1;
  sections[Symbols].sh_entsize = sizeof(Elf64_Sym);
  place(Strings, SHT_STRTAB, 0, strings.size(), 1);
  place(Names, SHT_STRTAB, 0, names.size(), 1);
  place(Stack, SHT_PROGBITS, 0, 0, 1);

  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ElfMagic, 4);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine =
      triple.getArch() == llvm::Triple::x86_64 ? EM_X86_64 : EM_AARCH64;
  header.e_version = EV_CURRENT;
  header.e_shoff = llvm::alignTo(position, 8);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = SectionCount;
  header.e_shstrndx = Names;

  auto write = [&](const void *data, uint64_t size) {
    stream.write(static_cast<const char *>(data), size);
  };
  auto seek = [&](uint64_t offset) {
    stream.write_zeros(offset - stream.tell());
  };
  write(&header, sizeof header);
  seek(sections[Data].sh_offset);
  if (failed(writeBlobs(weights, stream, location, [](ArrayRef<char>) {})))
    return failure();
  seek(sections[Symbols].sh_offset);
  write(symbols.data(), sections[Symbols].sh_size);
  write(strings.data(), strings.size());
  write(names.data(), names.size());
  seek(header.e_shoff);
  write(sections, sizeof sections);
  return finish(stream, location, path);
}

FailureOr<uint64_t> hgf::writeWeightsFile(const Weights &weights,
                                          Location location, StringRef path) {
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (error)
    return emitError(location)
           << "cannot write '" << path << "': " << error.message();
  stream.write_zeros(sideHeaderBytes);
  uint64_t checksum = weights.size;
  if (failed(writeBlobs(weights, stream, location, [&](ArrayRef<char> bytes) {
        uint64_t parts[] = {checksum, llvm::xxh3_64bits(llvm::StringRef(
                                          bytes.data(), bytes.size()))};
        checksum = llvm::xxh3_64bits(llvm::StringRef(
            reinterpret_cast<const char *>(parts), sizeof parts));
      })))
    return failure();
  std::string header = sideMagic.str();
  for (int byte = 0; byte < 8; ++byte)
    header.push_back(static_cast<char>(checksum >> (8 * byte)));
  stream.pwrite(header.data(), header.size(), 0);
  if (failed(finish(stream, location, path)))
    return failure();
  return checksum;
}

void hgf::declareEmbeddedWeights(const Weights &weights, llvm::Module &module,
                                 const llvm::Triple &triple) {
  for (const WeightsBlob &blob : weights.blobs) {
    llvm::GlobalVariable *global = module.getNamedGlobal(blob.symbol);
    if (!global)
      continue;
    global->setVisibility(llvm::GlobalValue::HiddenVisibility);
    global->setDSOLocal(true);
    if (needsLargeSection(weights, triple))
      global->setCodeModel(llvm::CodeModel::Large);
  }
}

void hgf::declareSideWeights(const Weights &weights, llvm::Module &module,
                             llvm::StringRef slot) {
  llvm::LLVMContext &context = module.getContext();
  auto *pointer = llvm::PointerType::getUnqual(context);
  auto *base = new llvm::GlobalVariable(
      module, pointer, /*isConstant=*/false, llvm::GlobalValue::InternalLinkage,
      llvm::ConstantPointerNull::get(pointer), "hgf_weights_base");
  if (!slot.empty()) {
    base->setName(slot);
    base->setLinkage(llvm::GlobalValue::ExternalLinkage);
    base->setVisibility(llvm::GlobalValue::HiddenVisibility);
    base->setDSOLocal(true);
  }
  for (const WeightsBlob &blob : weights.blobs) {
    llvm::GlobalVariable *global = module.getNamedGlobal(blob.symbol);
    if (!global)
      continue;
    llvm::convertUsersOfConstantsToInstructions({global});
    // At a function's entry the address suits every use in it.
    llvm::DenseMap<llvm::Function *, llvm::Value *> addresses;
    for (llvm::Use &use : llvm::make_early_inc_range(global->uses())) {
      llvm::Function *function =
          llvm::cast<llvm::Instruction>(use.getUser())->getFunction();
      llvm::Value *&address = addresses[function];
      if (!address) {
        llvm::IRBuilder<> builder(&function->getEntryBlock(),
                                  function->getEntryBlock().begin());
        address = builder.CreateConstInBoundsGEP1_64(
            builder.getInt8Ty(), builder.CreateLoad(pointer, base),
            blob.offset);
      }
      use.set(address);
    }
    global->eraseFromParent();
  }
  llvm::Function *initialize = &getInitializeFunction(module);
  llvm::IRBuilder<> builder(&initialize->getEntryBlock(),
                            initialize->getEntryBlock().begin());
  builder.CreateStore(initialize->getArg(0), base);
}
