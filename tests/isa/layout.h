// Where everything is in an image of random programs; read by the driver's assembler and by C++ alike.
#pragma once

// The driver and, in a page of its own, the trap stubs of HS and VS mode.
#define ORACLE_RAM 0x80000000
#define ORACLE_STUBS 0x80001000
#define ORACLE_STUB_SRET 0x80001100
#define ORACLE_SCRATCH 0x80002000
#define ORACLE_HEADER 0x80003000
#define ORACLE_SLOTS 0x80100000
#define ORACLE_SLOT_BYTES 0x20000
#define ORACLE_RAM_BYTES 0x8000000
#define ORACLE_MAX_PROGRAMS 500

// Header
#define ORACLE_COUNT 0
#define ORACLE_CURRENT 8
#define ORACLE_STATE_ENABLES 16  // 1: there is Smstateen

// Pages of a slot
#define ORACLE_START_PAGE 0x0
#define ORACLE_RESULT_PAGE 0x1000
#define ORACLE_LOG_PAGE 0x2000
#define ORACLE_CODE_PAGE 0x7000
#define ORACLE_DATA_PAGE 0x8000
#define ORACLE_DATA_PAGES 5
#define ORACLE_TABLE_PAGE 0xD000
#define ORACLE_TABLE_PAGES 5
#define ORACLE_G_ROOT 0x14000
#define ORACLE_G_TABLE_PAGE 0x18000
#define ORACLE_G_TABLE_PAGES 4
#define ORACLE_HS_ROOT 0x1C000

// Start and result pages
#define ORACLE_X 0x000
#define ORACLE_F 0x100
#define ORACLE_CSRS 0x200
#define ORACLE_CODE_ADDRESS 0x700
#define ORACLE_BUNDLES 0x708
#define ORACLE_START_STATUS 0x710
#define ORACLE_MSTATEEN0 0x718
#define ORACLE_HSTATEEN0 0x720
#define ORACLE_TRAPS 0x700
#define ORACLE_BUNDLE 0x708
#define ORACLE_DONE 0x710

// The trap log: one record per trap into M-mode.
#define ORACLE_RECORD_SHIFT 8
#define ORACLE_MAX_TRAPS 64

// A program resumes at the next bundle after a trap, and jumps only within a bundle.
#define ORACLE_BUNDLE_SHIFT 6
#define ORACLE_MAX_BUNDLES 62
